import builtins
from collections.abc import Iterator
from typing import Any

import pytest
import torch
from skimage import data

from faststyle.core.errors import UserError
from faststyle.files import faces
from faststyle.files.faces import PROTECTION, protect_faces, require_faces
from faststyle.images.pixels import resample

ASTRONAUT = torch.from_numpy(data.astronaut()).permute(2, 0, 1)  # type: ignore[no-untyped-call]
#: Between the eyes of the astronaut, and her rocket, in rows and columns of 512.
FACE, ROCKET = (slice(100, 140), slice(205, 240)), (slice(150, 250), slice(380, 480))


@pytest.fixture
def cleared() -> Iterator[None]:
    faces._detector.cache_clear()
    yield
    faces._detector.cache_clear()


@pytest.mark.parametrize("factor", [0.5, 1, 3])
@pytest.mark.parametrize("is_float", [False, True])
def test_a_face_is_kept_and_the_rest_is_not(factor: float, is_float: bool) -> None:
    side = round(512 * factor)
    photo = resample(ASTRONAUT / 255 if is_float else ASTRONAUT, (side, side))
    protect_mask = protect_faces(photo)
    assert protect_mask is not None
    assert protect_mask.shape == (1, side, side)
    usual = resample(protect_mask, (512, 512))[0].float() / 255
    assert usual[FACE].min() == pytest.approx(PROTECTION, abs=0.02)
    assert usual[ROCKET].max() == 0


def test_its_edge_is_soft() -> None:
    protect_mask = protect_faces(ASTRONAUT)
    assert protect_mask is not None
    assert protect_mask.int().diff(dim=1).abs().max() < 255 * 0.1


@pytest.mark.parametrize("size", [(1, 1), (5, 900), (64, 64)])
def test_where_there_is_no_face_nothing_is_kept(size: tuple[int, int]) -> None:
    assert protect_faces(torch.rand(3, *size)) is None


@pytest.mark.usefixtures("cleared")
def test_without_opencv_it_is_said_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def absent(name: str, *others: Any) -> Any:
        if name.startswith("cv2"):
            raise ImportError(name)
        return real(name, *others)

    monkeypatch.setattr(builtins, "__import__", absent)
    with pytest.raises(UserError, match=r'pip install "faststyle\[faces\]"'):
        require_faces()


@pytest.mark.usefixtures("cleared")
def test_of_opencv_5_likewise(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr("cv2.CascadeClassifier")
    with pytest.raises(UserError, match="needs OpenCV 4"):
        require_faces()
