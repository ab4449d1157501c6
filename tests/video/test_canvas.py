import math
from collections.abc import Iterator

import pytest
import torch
import torch.nn.functional as F
from skimage import data
from torch import Tensor

from faststyle.images.pixels import resample
from faststyle.video.canvas import GRID, MARGIN, Canvas

HEIGHT, WIDTH = 120, 160
SCENE = resample(
    torch.from_numpy(data.coffee()).permute(2, 0, 1) / 255,  # type: ignore[no-untyped-call]
    (300, 450),
)


def _camera(right: float, down: float, zoom: float = 1.0, turn: float = 0.0) -> Tensor:
    """What a camera in the middle of the scene sees that moved by pixels, and turned."""
    cosine, sine = math.cos(turn) / zoom, math.sin(turn) / zoom
    high, wide = HEIGHT / 300, WIDTH / 450
    matrix = torch.tensor(
        [
            [cosine * wide, -sine * HEIGHT / 450, 2 * right / 450],
            [sine * WIDTH / 300, cosine * high, 2 * down / 300],
        ]
    )
    grid = F.affine_grid(matrix[None], [1, 3, HEIGHT, WIDTH], align_corners=False)
    return F.grid_sample(SCENE[None], grid, "bicubic", align_corners=False)[0].clamp(0, 1)


def _in_scene(canvas: Canvas) -> Tensor:
    """A painting of the scene as the canvas lies in it: other values at each place of it."""
    row, column = canvas.corner
    rows = torch.arange(HEIGHT + 2 * MARGIN)[:, None] + row
    columns = torch.arange(WIDTH + 2 * MARGIN)[None] + column
    waves = torch.stack((torch.sin(rows / 5) + 0 * columns, 0 * rows + torch.cos(columns / 7)))
    return torch.cat((waves, waves[:1] * waves[1:])) / 2 + 0.5


def _seen(cameras: list[Tensor], keep: float = 0.0) -> Iterator[tuple[Canvas, Tensor]]:
    canvas = Canvas(keep)
    for frame in cameras:
        canvas.photo(frame)
        yield canvas, canvas.stylized(_in_scene(canvas))


def test_of_the_first_frame_the_canvas_is_the_frame_and_what_is_mirrored_around_it() -> None:
    frame = _camera(0, 0)
    photo = Canvas(0.0).photo(frame)
    assert photo.shape == (3, HEIGHT + 2 * MARGIN, WIDTH + 2 * MARGIN)
    assert torch.equal(photo[:, MARGIN:-MARGIN, MARGIN:-MARGIN], frame)
    assert torch.equal(photo[:, MARGIN - 1, MARGIN:-MARGIN], frame[:, 0])


def test_what_stands_still_comes_back_as_it_was_painted() -> None:
    canvas = Canvas(0.0)
    generator = torch.Generator().manual_seed(0)
    for _ in range(3):
        noisy = _camera(0, 0) + torch.randn(3, HEIGHT, WIDTH, generator=generator) / 255
        painted = torch.rand_like(canvas.photo(noisy.clamp(0, 1)))
        expected = painted[:, MARGIN:-MARGIN, MARGIN:-MARGIN]
        assert torch.equal(canvas.stylized(painted), expected)
        assert canvas.corner == (0, 0)


@pytest.mark.parametrize(("right", "down"), [(7.3, 0), (-3.0, 5.6), (0, 12)])
def test_the_canvas_follows_the_camera_by_the_grid(right: float, down: float) -> None:
    cameras = [_camera(right * number, down * number) for number in range(5)]
    for number, (canvas, _) in enumerate(_seen(cameras)):
        for corner, moved in zip(canvas.corner, (down, right), strict=True):
            assert corner % GRID == 0
            assert abs(corner - moved * number) <= GRID / 2 + 0.5


def test_a_painting_of_the_scene_moves_with_the_scene() -> None:
    moves = [(0.0, 0.0), (5.3, 1.2), (9.0, -3.5), (30.4, 2.0)]
    for (right, down), (_, seen) in zip(
        moves, _seen([_camera(*move) for move in moves]), strict=True
    ):
        rows = torch.arange(HEIGHT) + MARGIN + down
        columns = torch.arange(WIDTH) + MARGIN + right
        inside = (slice(4, -4), slice(4, -4))
        torch.testing.assert_close(
            seen[0][inside],
            (torch.sin(rows / 5) / 2 + 0.5)[:, None].expand(-1, WIDTH)[inside],
            rtol=0,
            atol=0.03,
        )
        torch.testing.assert_close(
            seen[1][inside],
            (torch.cos(columns / 7) / 2 + 0.5)[None].expand(HEIGHT, -1)[inside],
            rtol=0,
            atol=0.03,
        )


@pytest.mark.parametrize("turn", [0.02, -0.05])
@pytest.mark.parametrize("zoom", [0.96, 1.06])
def test_a_camera_that_turns_and_zooms_sees_the_canvas_turned_and_zoomed(
    turn: float, zoom: float
) -> None:
    *_, (canvas, seen) = _seen([_camera(0, 0), _camera(0, 0, zoom, turn)])
    assert canvas.corner == (0, 0)
    y, x = torch.meshgrid(torch.arange(HEIGHT), torch.arange(WIDTH), indexing="ij")
    y, x = y - (HEIGHT - 1) / 2, x - (WIDTH - 1) / 2
    rows = (math.sin(turn) * x + math.cos(turn) * y) / zoom + (HEIGHT - 1) / 2 + MARGIN
    inside = (slice(10, -10), slice(10, -10))
    expected = torch.sin(rows / 5) / 2 + 0.5
    torch.testing.assert_close(seen[0][inside], expected[inside], rtol=0, atol=0.05)


def test_a_running_mean_holds_what_the_camera_moves_over() -> None:
    generator = torch.Generator().manual_seed(0)
    canvas, deviations = Canvas(0.9), []
    for number in range(30):
        photo = canvas.photo(_camera(2.6 * number - 40, 0))
        flicker = torch.randn(photo.shape, generator=generator) * 0.1
        seen = canvas.stylized((0.5 + flicker).clamp(0, 1))
        deviations.append(seen[:, 20:-20, 20:80].std().item())  # of what it has seen for long
    # The variance of an exponential running mean of white noise is (1 - keep) / (1 + keep) of it.
    assert deviations[-1] < 2 * 0.1 * (0.1 / 1.9) ** 0.5
    assert deviations[0] > 0.08


def test_a_large_thing_that_moves_before_a_camera_on_a_stand_does_not_take_the_canvas_along() -> (
    None
):
    scene, thing = _camera(0, 0), _camera(-80, 60).flip(1)
    canvas = Canvas(0.0)
    for number in range(6):
        frame = scene.clone()
        left = 10 + 5 * number
        frame[:, 10:110, left : left + 90] = thing[:, 10:110, 30:120]
        canvas.photo(frame)
    assert canvas.corner == (0, 0)
    painted = torch.rand(3, HEIGHT + 2 * MARGIN, WIDTH + 2 * MARGIN)
    assert torch.equal(canvas.stylized(painted), painted[:, MARGIN:-MARGIN, MARGIN:-MARGIN])


def test_another_scene_begins_a_canvas_of_its_own() -> None:
    canvas = Canvas(0.9)
    for frame in (_camera(0, 0), _camera(6.5, 0), 1 - _camera(-90, 60).flip(2)):
        photo = canvas.photo(frame)
    assert torch.equal(photo[:, MARGIN:-MARGIN, MARGIN:-MARGIN], frame)


def test_a_frame_of_another_size_begins_anew() -> None:
    canvas = Canvas(0.9)
    canvas.photo(_camera(0, 0))
    small = _camera(0, 0)[:, :60, :90]
    assert canvas.photo(small).shape == (3, 60 + 2 * MARGIN, 90 + 2 * MARGIN)
    assert canvas.stylized(torch.rand(3, 60 + 2 * MARGIN, 90 + 2 * MARGIN)).shape == small.shape


def test_a_long_zoom_goes_over_to_new_canvases_without_a_jump() -> None:
    canvas, before, jumps = Canvas(0.0), None, []
    for number in range(25):
        photo = canvas.photo(_camera(0, 0, 1.012**number))
        # A painting that knows nothing of the scene: each canvas has another one.
        painted = torch.full_like(photo, 0.2 + 0.6 * (canvas.canvases % 2))
        seen = canvas.stylized(painted)
        if before is not None:
            jumps.append((seen - before).abs().max().item())
        before = seen
    assert canvas.canvases > 1
    assert max(jumps) < 0.12


@pytest.mark.parametrize("size", [(1, 1), (3, 90), (16, 16)])
def test_frames_of_any_size_and_without_corners_come_back(size: tuple[int, int]) -> None:
    canvas = Canvas(0.5)
    for value in (0.3, 0.3, 0.9):
        photo = canvas.photo(torch.full((3, *size), value))
        assert canvas.stylized(photo).shape == (3, *size)


def test_masks_are_laid_where_the_frame_is() -> None:
    canvas = Canvas(0.0)
    for frame in (_camera(0, 0), _camera(1.5, 0)):
        canvas.photo(frame)
    mask = torch.zeros(1, HEIGHT, WIDTH, dtype=torch.uint8)
    mask[..., : WIDTH // 2] = 255
    laid = canvas.warp_masks(mask)
    back = canvas.stylized(laid.expand(3, -1, -1) / 255)
    assert (back[:, :, : WIDTH // 2 - 3] > 0.9).all()
    assert (back[:, :, WIDTH // 2 + 3 :] < 0.1).all()
