"""Each row of what the pages promise of files and clips is held by tests, which are named here."""

# ruff: noqa: E501  # a line is a row
import re
from collections.abc import Iterator
from functools import cache

import pytest

from tests.places import ROOT

#: How the first cell of a row begins, and the tests that hold it, without ``test_``.
FORMATS = """
JPEG (`.jpg`: pictures_of_every_kind_that_is_read_are_found a_picture_keeps_its_format
AVIF, with Pillow: avif_keeps_transparency_and_the_better_the_quality_the_more
JPEG XL, with: jpeg_xl_is_read_and_written_where_its_plug_in_is
JPEG 2000, PPM: a_format_that_cannot_be_written_becomes_png
HEIC: heic_is_read_where_its_package_is
a JPEG called: a_picture_whose_name_says_nothing_becomes_one_of_its_format
an animated GIF: each_frame_becomes_what_it_would_as_a_picture
the same, with `--output` to a format without animation: where_one_frame_is_stylized_that_is_said
any other picture, with: a_gif_has_colors_of_its_own_and_keeps_what_is_transparent
a camera's raw file: a_raw_file_is_not_taken_for_its_thumbnail
transparency: transparency_is_laid_on_white_where_the_format_has_none what_looks_the_same_is_the_same_to_a_network
16 bits a channel: every_bit_is_read without_packages_for_16_bits_8_are_kept_and_that_is_said_once
the same, with `--output` to another format: it_is_said_that_a_format_holds_8_bits_of_16
more than 8 bits in TIFF: training_and_stylizing_read_what_the_file_stands_for a_jpeg_of_12_bits_is_read
TIFF with WebP: training_and_stylizing_read_what_the_file_stands_for cmyk_with_alpha_is_read
10 and 12 bits in AVIF: more_than_8_bits_of_avif_and_heic_are_kept avif_and_heic_of_10_bits_are_read_as_8_without_the_extra
an AVIF that says: what_an_avif_crops_is_not_painted
a TIFF whose first: a_reduced_first_page_is_not_the_picture
gray, palettes: other_modes_become_rgb palette_transparency_becomes_alpha
a color profile: icc_profile_is_kept
date, author, copyright, description, resolution, 360: date_author_rights_description_and_panorama_stay
EXIF orientation: exif_orientation_is_applied an_orientation_that_is_none_leaves_the_pixels_as_they_lie
a text or a profile in: a_text_or_profile_of_any_length_is_passed_over odd_chunks_are_passed_over
more than 178: a_picture_above_the_limit_is_refused more_pixels_than_pillow_allows_can_be_asked_for
a long and thin: of_the_thinnest_pictures_likewise
a picture too large: what_a_format_cannot_hold_is_said_before_the_work
damage: damage_is_named_in_one_line each_odd_file_is_named_and_the_rest_is_done
a pipe: a_pipe_is_not_waited_for
TGA: what_is_not_read_is_named_by_its_beginning_too formats_that_are_not_read_are_named_with_what_to_do
PDF, EPS: what_is_not_read_is_counted_in_a_folder_and_named_alone no_other_program_is_started_for_a_picture
what takes more: a_photo_that_decodes_for_too_long_is_named_and_passed_over a_thread_that_takes_too_long_is_left each_frame_of_an_animation_has_the_time
PNG: `cICP`: colors_by_numbers_are_shown_as_the_formulas_say the_narrow_range_of_a_png_is_widened
ICC profile: icc_profile_is_kept a_profile_of_a_jpeg_2000_is_kept a_profile_of_gray_is_applied_as_at_8_bits
AVIF, HEIC: `nclx`: colors_by_numbers_are_shown_as_the_formulas_say
AVIF, HEIC: AV1's: colors_that_stand_in_the_pictures_data_alone_are_shown
JPEG 2000: a number: colors_of_a_jpeg_2000_that_nothing_converts_are_named colors_by_numbers_are_shown_as_the_formulas_say
PNG: `sRGB`: a_gamma_that_is_usual_or_none_changes_nothing
PNG: `gAMA`: a_gamma_of_a_png_is_shown chromaticities_of_a_png_are_shown
TIFF: Primary: chromaticities_and_tables_of_a_tiff_are_shown chromaticities_of_a_tiff_that_say_nothing_change_nothing
BMP of version: endpoints_and_gamma_of_a_bmp_are_shown a_profile_in_a_bmp_is_kept
EXIF: Adobe: adobe_rgb_that_exif_alone_says_is_shown
PQ and HLG: high_dynamic_range_becomes_what_it_becomes_in_clips
numbers that mean: srgb_and_what_is_not_known_need_no_profile
a result in GIF or BMP: colors_of_a_profile_are_converted_where_the_format_holds_none
without a sign: training_and_stylizing_read_what_the_file_stands_for
with a sign: numbers_with_a_sign_are_read_as_before
floats: training_and_stylizing_read_what_the_file_stands_for
with a sign in JPEG 2000: training_and_stylizing_read_what_the_file_stands_for
date, author, copyright, description | EXIF: date_author_rights_description_and_panorama_stay iptc_of_a_jpeg_is_read texts_of_a_png_stay tags_of_a_tiff_stay
resolution: resolution_stays_where_the_format_says_it
360 degrees: a_panorama_of_another_size_is_none
the place (GPS): date_author_rights_description_and_panorama_stay
hidden files: hidden_folders_and_those_of_thumbnails_are_not_searched
links to folders: links_are_followed_once_and_pipes_never
files whose endings: pictures_whose_names_say_nothing_are_found
pictures in formats that are not read: what_is_not_read_is_counted_by_its_ending
what a style made: what_other_styles_made_of_a_folder_is_not_stylized results_of_an_earlier_run_are_not_stylized_again
a folder that may: a_folder_that_may_not_be_read_is_named
a sheet: a_sheet_among_the_photos_is_made_anew_and_a_photo_stays
the output is an input: an_input_is_never_overwritten an_input_is_not_overwritten_through_a_link
the output is a read-only: a_read_only_result_stays_and_a_link_is_written_through no_file_is_made_beside_a_device
the output is a link: what_a_link_leads_to_is_written_and_the_link_stays
an ending that: a_format_that_is_not_written_is_said_before_the_work
one `--output`: one_output_file_for_two_inputs_is_refused
names of 250: a_name_that_would_be_too_long_is_shortened
names that are not UTF-8: names_that_are_not_utf8_stay_as_they_are
two pictures: two_pictures_that_both_become_png_get_two_names
a network disk: a_network_disk_that_cannot_flush_is_written_all_the_same
"""
VIDEO = """
times, also: every_format_keeps_pictures_times_and_sound a_format_of_one_rate_keeps_the_rate
a picture that is shown: a_picture_may_be_shown_for_minutes what_a_section_begins_and_ends_with_is_held
a clock: a_clock_that_jumps_back_is_said
frames held: every_way_to_hold_a_camera_is_upright
color space: a_color_stays_in_every_container_and_across_720_lines
high dynamic: high_dynamic_range_becomes_ordinary_with_the_right_tags
what HDR10: what_hdr10_says_of_light_is_kept_with_ten_bits no_light_is_kept_with_frames_that_cannot_say_it
interlaced: interlaced_frames_are_made_whole_and_this_is_said
transparency: transparency_is_kept_where_a_format_can_and_else_said
more bits: fewer_bits_are_said ten_bits_are_kept_if_asked_for
an odd: an_odd_row_and_column_are_kept_in_gif_and_else_said
sound | copied: sound_that_a_format_cannot_hold_is_encoded_anew_or_left_out_and_said
sound or other: sound_that_ffmpeg_does_not_know_is_left_out_and_said
subtitles: what_else_a_file_holds_is_copied
several films: the_film_is_what_the_file_shows_first_and_no_cover
covers: the_film_is_what_the_file_shows_first_and_no_cover sound_with_a_cover_is_no_clip
a camera's data: a_camera_s_data_are_left_out_and_this_is_said
title, author: metadata_of_photos_and_clips_is_kept_or_not title_author_rights_and_date_stay_and_the_place_does_not nothing_but_the_language_stays_if_nothing_is_to_be_kept
EXIF in frames: frames_of_jpegs_with_exif_are_read_and_turned_as_the_file_says
masks: outside_a_mask_the_clip_stays a_clip_of_masks_moves_with_the_frames
frames that are too large: large_frames_go_through_strips
a size: a_clip_that_changes_its_size_keeps_the_first_and_this_is_said
sound that begins: sound_that_begins_late_begins_late_in_avi
`.mp4`: every_format_keeps_pictures_times_and_sound
`.webm`: every_format_keeps_pictures_times_and_sound
`.avi`: every_format_keeps_pictures_times_and_sound
`.mpg`: every_format_keeps_pictures_times_and_sound
`.wmv`: every_format_keeps_pictures_times_and_sound
`.gif`: every_format_keeps_pictures_times_and_sound
matrix, range: a_color_stays_in_every_container_and_across_720_lines a_color_stays_at_the_size_that_it_has
no matrix: a_color_stays_at_the_size_that_it_has every_file_that_can_is_tagged
RGB: a_color_stays_in_every_container_and_across_720_lines
full range: a_color_stays_in_every_container_and_across_720_lines
primaries: wide_colors_that_cannot_be_said_are_mentioned every_file_that_can_is_tagged
BT.2020: colors_that_are_not_read_are_named dolby_vision_of_profile_5_is_named
aspect: pixels_are_shown_as_wide_as_they_were pixels_are_turned_with_the_frame
crop: what_the_container_crops_is_not_painted
rotation: every_way_to_hold_a_camera_is_upright
two views: two_views_stay_marked_or_it_is_said two_views_stay_marked_in_h265
360: a_mark_of_360_degrees_is_kept_in_mp4_and_else_said marks_of_frames_that_are_turned_are_said_to_be_lost
edit list: what_an_edit_list_cuts_away_stays_away
duration: the_last_picture_is_shown_as_long_as_it_was
times that browsers: a_rate_is_that_of_frames_and_not_of_pauses_or_clocks
what an encoder: sound_that_is_encoded_anew_is_not_late
timecode: a_section_begins_with_its_own_timecode a_timecode_counts_frames
"""
#: Where the tables of styles and of settings begin, and those of measured numbers.
ENDS = {"formats.md": "## Clips", "video.md": "## What stands still"}
ROWS = {
    name: {key: names.split() for key, names in (line.rsplit(": ", 1) for line in lines)}
    for name, lines in (
        ("formats.md", FORMATS.strip().splitlines()),
        ("video.md", VIDEO.strip().splitlines()),
    )
}


def rows_of(page: str) -> Iterator[str]:
    """The rows of the tables of a page, but for their heads."""
    text = (ROOT / "docs" / page).read_text().split(ENDS[page])[0]
    for table in re.findall(r"(?:^\|.*\n)+", text, re.MULTILINE):
        yield from (line.removeprefix("| ") for line in table.splitlines()[2:])


@cache
def all_tests() -> set[str]:
    files = (ROOT / "tests").rglob("test_*.py")
    return {name for file in files for name in re.findall(r"def test_(\w+)", file.read_text())}


@pytest.mark.parametrize("page", ROWS)
def test_each_row_has_tests_and_each_line_here_a_row(page: str) -> None:
    keys = {
        row: max((k for k in ROWS[page] if row.startswith(k)), key=len, default="")
        for row in rows_of(page)
    }
    assert [row for row, key in keys.items() if not key] == []
    assert sorted(keys.values()) == sorted(ROWS[page]), (
        "each row has one line, and no line two rows"
    )


@pytest.mark.parametrize("page", ROWS)
def test_the_tests_of_rows_are_there(page: str) -> None:
    missing = {name for names in ROWS[page].values() for name in names} - all_tests()
    assert not missing
