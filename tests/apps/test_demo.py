import concurrent.futures
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image

from faststyle.checkpoints import TrainedStyle, write_style
from faststyle.checkpoints.catalog import label
from faststyle.inference.options import StylizeOptions
from faststyle.inference.stylizer import Stylizer
from faststyle.networks import TransformNetwork
from faststyle.pictures.files import load_picture_bytes
from tests.several import several_styles

pytest.importorskip("gradio")
from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError

from faststyle.apps import demo


@pytest.fixture(scope="module")
def styles(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    paths = []
    for seed, name in enumerate(("night", "wave")):
        torch.manual_seed(seed)
        path = tmp_path_factory.mktemp("styles") / f"{name}.safetensors"
        write_style(TrainedStyle(TransformNetwork(width=2, blocks=0)), path)
        paths.append(str(path))
    several = tmp_path_factory.mktemp("styles") / "all.safetensors"
    write_style(several_styles(), several)
    return [*paths, f"{several}:night"]


@pytest.fixture(scope="module")
def address(styles: list[str]) -> Iterator[str]:
    page = demo.build(styles, device="cpu")
    demo.serve(page, prevent_thread_lock=True, quiet=True)
    assert page.local_url is not None
    yield page.local_url
    page.close()


@pytest.fixture
def photo(tmp_path: Path, make_photo: Callable[..., Path]) -> Path:
    return make_photo(tmp_path / "a.png", 160, 128)


def stylize(address: str, photo: Path, style: str, **more: Any) -> Any:
    client = Client(address, verbose=False, httpx_kwargs={"timeout": 60})
    options = {"size": 128, "strength": 1.0, "preserve_color": False} | more
    return client.predict(handle_file(photo), label(style), *options.values(), api_name="/stylize")


def expected(photo: Path, style: str, size: int = 128) -> torch.Tensor:
    options = StylizeOptions(size=size)
    [picture] = Stylizer.load(style, device="cpu").stylize([load_picture_bytes(photo)], options)
    return picture.pixels


def differs(path: str | Path, pixels: torch.Tensor) -> int:
    """The largest difference in gray levels."""
    return int((load_picture_bytes(Path(path)).pixels.int() - pixels.int()).abs().max())


def test_ten_visitors_at_once_are_all_answered(
    address: str, styles: list[str], photo: Path
) -> None:
    chosen = [styles[i % 2] for i in range(10)]
    with concurrent.futures.ThreadPoolExecutor(10) as pool:
        results = list(pool.map(lambda style: stylize(address, photo, style), chosen))
    for style, (_, download) in zip(chosen, results, strict=True):
        assert differs(download, expected(photo, style)) <= 1, "but for rounding"


def test_the_styles_of_a_file_can_be_mixed_beside_other_visitors(
    address: str, styles: list[str], photo: Path
) -> None:
    def mix(weights: tuple[float, float]) -> Any:
        client = Client(address, verbose=False, httpx_kwargs={"timeout": 60})
        wishes = (handle_file(photo), 128, 1.0, False, *weights)
        return client.predict(*wishes, api_name="/mix_all")

    chosen = [(0.5, 0.25), (0.0, 1.0), (1.0, 0.0)] * 3
    with concurrent.futures.ThreadPoolExecutor(10) as pool:
        beside = pool.submit(stylize, address, photo, styles[2])
        results = list(pool.map(mix, chosen))
    for (night, wave), (_, download) in zip(chosen, results, strict=True):
        style = f"{styles[2]}={night},wave={wave}"
        assert differs(download, expected(photo, style)) <= 1
    assert differs(beside.result()[1], expected(photo, styles[2])) <= 1
    with pytest.raises(AppError, match="all 0"):
        mix((0.0, 0.0))


def test_what_is_too_much_or_no_photo_is_refused(
    address: str, styles: list[str], tmp_path: Path
) -> None:
    Image.new("L", (6000, 5000)).save(tmp_path / "bomb.png")
    (tmp_path / "text.png").write_text("hello")
    for name in ("bomb.png", "text.png"):
        with pytest.raises(AppError, match=r"the photo(:.*too large| is not a pic)") as refused:
            stylize(address, tmp_path / name, styles[0])
        assert "/" not in str(refused.value), "no path of the server"
    (tmp_path / "large.png").write_bytes(bytes(demo.MAX_BYTES + 1))
    with pytest.raises(ValueError, match="exceeds the maximum file size"):
        stylize(address, tmp_path / "large.png", styles[0])


def test_what_the_page_does_not_offer_is_refused(
    address: str, styles: list[str], photo: Path, tmp_path: Path
) -> None:
    with pytest.raises(AppError, match="greater than maximum"):
        stylize(address, photo, styles[0], strength=7)
    with pytest.raises(AppError, match="greater than maximum"):
        stylize(address, photo, styles[0], size=100_000)
    with pytest.raises(AppError, match="not in the list") as refused:
        stylize(address, photo, str(tmp_path / "other.safetensors"))
    assert "/" not in str(refused.value), "no path of the server"


@pytest.mark.parametrize(
    "path", ["/etc/passwd", "pyproject.toml", "../shared/DESIGN.md", "checkpoints/.gitkeep"]
)
def test_no_file_of_the_server_can_be_read(address: str, path: str) -> None:
    requests = pytest.importorskip("requests")
    answer = requests.get(f"{address}gradio_api/file={path}", timeout=10)
    assert answer.status_code == 403


def test_it_listens_on_this_machine_alone(address: str) -> None:
    assert address.startswith("http://127.0.0.1:")


def test_a_visitor_sees_the_picture_change_with_the_style(
    address: str, styles: list[str], photo: Path, browser: Any, tmp_path: Path
) -> None:
    page = browser.new_page()
    outside = []
    page.on("request", lambda request: outside.append(request.url))
    page.goto(address)
    page.locator("input[type=file]").first.set_input_files(photo)
    page.locator("img").first.wait_for()
    page.get_by_role("button", name="Stylize").click()
    stylized = page.locator("img").nth(2)  # after the photo, and the photo under it

    stylized.wait_for()
    seen = stylized.get_attribute("src")
    page.get_by_label("Style", exact=True).click()
    page.get_by_role("option", name=Path(styles[1]).stem).click()
    page.wait_for_function(
        "([image, before]) => image.src !== before", arg=[stylized.element_handle(), seen]
    )
    with page.expect_download() as download:
        page.get_by_role("button", name="Download").last.click()
    shutil.copy(download.value.path(), tmp_path / "b.png")
    page.close()
    assert differs(tmp_path / "b.png", expected(photo, styles[1], size=512)) <= 1
    assert all(url.startswith((address, "data:", "blob:")) for url in outside)
