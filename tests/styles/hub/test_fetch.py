import hashlib
from pathlib import Path

import pytest

from faststyle import Stylizer
from faststyle.core.errors import UserError
from faststyle.networks import TransformNetwork
from faststyle.styles import FoundStyle, TrainedStyle, find_style, write_style
from faststyle.styles.hub import fetch_style
from faststyle.styles.loading import resolve_styles
from tests.hub import OWNER, READER, Hub, Repository, sha
from tests.several import several_styles


@pytest.fixture
def style(tmp_path: Path) -> bytes:
    write_style(TrainedStyle(TransformNetwork(width=2, blocks=0)), tmp_path / "one.safetensors")
    return (tmp_path / "one.safetensors").read_bytes()


@pytest.fixture
def several(tmp_path: Path) -> bytes:
    write_style(several_styles(), tmp_path / "all.safetensors")
    return (tmp_path / "all.safetensors").read_bytes()


@pytest.fixture
def night(hub: Hub, style: bytes) -> Repository:
    """``owner/night``, with one style and what does not matter."""
    files = {"README.md": b"# Night", "night.safetensors": style, "pytorch_model.bin": b"code"}
    hub.repositories["owner/night"] = Repository([files])
    return hub.repositories["owner/night"]


def again(given: str) -> Path:
    """As in a process of its own."""
    fetch_style.cache_clear()
    return fetch_style(given)


@pytest.mark.usefixtures("night")
def test_the_only_style_of_a_repository_is_fetched(style: bytes) -> None:
    path = fetch_style("hf:owner/night")
    assert path.name == "night.safetensors"
    assert path.read_bytes() == style
    assert Stylizer.load("hf:owner/night").name == "night"


@pytest.mark.usefixtures("night")
def test_slashes_as_huggingface_writes_them_may_be_there() -> None:
    assert fetch_style("hf://owner/night") == fetch_style("hf:owner/night/night.safetensors")


def test_what_is_there_is_not_fetched_again(hub: Hub, night: Repository) -> None:
    first = fetch_style("hf:owner/night")
    hub.requests.clear()
    assert again("hf:owner/night") == first
    assert not [request for request in hub.requests if request.startswith("GET /objects")]
    night.add({"night.safetensors": b"newer"})
    assert again("hf:owner/night").read_bytes() == b"newer"


def test_a_process_asks_once(hub: Hub, night: Repository) -> None:
    first = find_style("hf:owner/night")
    night.add({"night.safetensors": b"newer"})
    hub.requests.clear()
    assert find_style("hf:owner/night") == first
    assert not hub.requests


def test_a_revision_is_a_commit_a_tag_or_a_branch(night: Repository) -> None:
    old = night.files["night.safetensors"]
    night.tags = {"v1": 0, "older/one": 0}
    night.add({"night.safetensors": b"newer"})
    assert fetch_style("hf:owner/night@main").read_bytes() == b"newer"
    for revision in ("v1", sha(0), "older%2Fone"):
        assert fetch_style(f"hf:owner/night@{revision}").read_bytes() == old
        assert fetch_style(f"hf:owner/night@{revision}/night.safetensors").read_bytes() == old
    with pytest.raises(UserError, match="night@v2: the repository has no such branch, tag"):
        fetch_style("hf:owner/night@v2")


def test_one_of_several_files_must_be_named(night: Repository, style: bytes) -> None:
    night.add({"small/night.safetensors": style})
    message = "has 2 .safetensors: name one of night.safetensors, small/night.safetensors"
    with pytest.raises(UserError, match=message):
        fetch_style("hf:owner/night")
    assert fetch_style("hf:owner/night/small/night.safetensors").read_bytes() == style
    with pytest.raises(UserError, match='no such file: did you mean "night'):
        fetch_style("hf:owner/night/nigt.safetensors")


def test_of_thousands_of_files_a_few_are_named(night: Repository) -> None:
    night.add({f"styles/{number:04}.safetensors": b"" for number in range(2000)})
    for given in ("hf:owner/night", "hf:owner/night/9999.safetensors"):
        with pytest.raises(UserError, match="and 1991 more") as caught:
            fetch_style(given)
        assert len(str(caught.value)) < 500


@pytest.mark.parametrize(
    "file",
    ["pytorch_model.bin", "night.onnx", "night.ckpt", "night.pth", "folder", "a.safetensors.bin"],
)
def test_only_safetensors_are_fetched(hub: Hub, night: Repository, file: str) -> None:
    night.add({file: b"code"})
    with pytest.raises(UserError, match="files are taken from the Hub, since others may hold code"):
        fetch_style(f"hf:owner/night/{file}")
    assert not hub.requests
    night.commits = [{file: b"code"}]
    with pytest.raises(UserError, match=r"has no \.safetensors"):
        fetch_style("hf:owner/night")


@pytest.mark.parametrize(
    "given",
    [
        *("hf:", "hf:foo", "hf:foo/", "hf:foo/bar@", "hf:foo//bar", "hf::", "hf:a:b"),
        *("hf:foo/bar/../x", "hf:foo/bar/../x.safetensors", "hf:foo/bar/./x.safetensors"),
        *("hf:foo/bar@../../x/y.safetensors", "hf:foo/bar@%2e%2e%2f%2e%2e/y.safetensors"),
        *(r"hf:foo/bar/..\x.safetensors", "hf:foo/..", "hf:foo/b r", "hf:foo/bar/a//x.safetensors"),
        *("hf:foo/bar/C:/x.safetensors", "hf:foo/bar:", "hf:datasets/foo/bar", "hf:foo/bar?x=1"),
    ],
)
def test_what_is_no_address_is_told_without_asking(hub: Hub, given: str) -> None:
    with pytest.raises(UserError, match=r"on the Hub|from the Hub|is a dataset|mixture"):
        find_style(given)
    assert not hub.requests


def test_styles_of_one_file_are_chosen_behind_a_colon(hub: Hub, several: bytes) -> None:
    hub.repositories["owner/all"] = Repository([{"all.safetensors": several}])
    path = fetch_style("hf:owner/all")
    wave = FoundStyle(path, {"wave": 1.0})
    assert find_style("hf:owner/all:wave") == wave
    assert find_style("hf:owner/all@main/all.safetensors:wave") == wave
    assert find_style("hf:owner/all:wave=2,night=1").mix == {"wave": 2.0, "night": 1.0}
    assert resolve_styles(["hf:owner/all"]) == ["hf:owner/all:night", "hf:owner/all:wave"]
    assert Stylizer.load("hf:owner/all:wave").name == "wave"


def test_no_repository_and_a_private_one_are_alike(hub: Hub, night: Repository) -> None:
    night.private = True
    for given in ("hf:owner/night", "hf:owner/night/night.safetensors", "hf:owner/nothing"):
        with pytest.raises(UserError, match="or it is private; if it is yours, log in with: hf"):
            fetch_style(given)
    assert hub.requests


def test_the_owner_of_a_private_one_has_it(
    night: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    night.private = True
    monkeypatch.setenv("HF_TOKEN", OWNER)
    assert fetch_style("hf:owner/night").name == "night.safetensors"


def test_a_gated_one_says_where_to_ask(
    hub: Hub, night: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    night.gated = True
    monkeypatch.setenv("HF_TOKEN", READER)
    with pytest.raises(
        UserError, match=f"gated: ask for access on its page at {hub.address}, and log"
    ):
        fetch_style("hf:owner/night")


@pytest.mark.usefixtures("night")
def test_a_token_that_is_not_known_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_expired")
    with pytest.raises(UserError, match=r"does not know your token \(status 401.*: log in with"):
        fetch_style("hf:owner/night")


@pytest.mark.usefixtures("night")
@pytest.mark.parametrize("given", ["hf:owner/night", "hf:owner/night@main/night.safetensors"])
def test_what_was_fetched_once_needs_no_network(hub: Hub, given: str, style: bytes) -> None:
    fetch_style(given)
    hub.stop()
    assert again(given).read_bytes() == style


@pytest.mark.usefixtures("night")
def test_offline_mode_asks_nobody(hub: Hub, style: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(UserError, match="HF_HUB_OFFLINE is set, and it was not fetched before"):
        fetch_style("hf:owner/night")
    assert not hub.requests
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)
    fetch_style("hf:owner/night")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    assert again("hf:owner/night").read_bytes() == style


def test_no_network_is_one_line(hub: Hub) -> None:
    hub.stop()
    for given in ("hf:owner/night", "hf:owner/night/night.safetensors"):
        with pytest.raises(UserError, match=f"{given}: no connection to {hub.address}"):
            fetch_style(given)


@pytest.mark.usefixtures("night")
def test_a_hub_in_trouble_is_done_without(hub: Hub, style: bytes) -> None:
    fetch_style("hf:owner/night")
    hub.status = 503
    assert again("hf:owner/night").read_bytes() == style


@pytest.mark.usefixtures("night")
def test_a_refusal_says_its_status(hub: Hub) -> None:
    hub.status = 418
    with pytest.raises(UserError, match=r"hf:owner/night: the Hub refused \(status 418"):
        fetch_style("hf:owner/night")


@pytest.mark.usefixtures("night")
def test_a_file_that_is_too_large_is_not_fetched(hub: Hub) -> None:
    hub.claims = {"X-Linked-Size": str(3 * 10**9)}
    with pytest.raises(UserError, match="GB and is no style: 1 GB is the most"):
        fetch_style("hf:owner/night")
    assert not [request for request in hub.requests if "objects" in request]


@pytest.mark.usefixtures("night")
@pytest.mark.parametrize("size", [10, 10**6])
def test_a_size_that_is_not_the_files_is_told(hub: Hub, size: int) -> None:
    hub.claims = {"X-Linked-Size": str(size)}
    with pytest.raises(UserError, match=f"should be of size {size} but has size"):
        fetch_style("hf:owner/night")
    hub.claims = {}
    assert again("hf:owner/night").is_file()


@pytest.mark.usefixtures("night")
def test_a_file_without_an_end_does_not_fill_the_disk(
    hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("faststyle.styles.hub.fetch.MAX_BYTES", 20_000_000)
    hub.claims = {"X-Linked-Size": "1000"}
    hub.damage = lambda _: bytes(100_000_000)
    with pytest.raises(UserError, match="does not end where the Hub says that it ends"):
        fetch_style("hf:owner/night")
    assert not [path for path in tmp_path.rglob("*") if path.suffix == ".incomplete"]


@pytest.mark.usefixtures("night")
@pytest.mark.parametrize("address", ["hub.example", "ftp://hub.example"])
def test_a_setting_that_is_no_address_is_told(
    monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    template = address + "/{repo_id}/resolve/{revision}/{filename}"
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", address)
    monkeypatch.setattr("huggingface_hub.constants.HUGGINGFACE_CO_URL_TEMPLATE", template)
    with pytest.raises(UserError, match=f'HF_ENDPOINT is "{address}": it must begin with http'):
        fetch_style("hf:owner/night/night.safetensors")


def test_a_damaged_download_is_not_kept(hub: Hub, night: Repository, style: bytes) -> None:
    night.add({"README.md": b"newer"})
    hub.damage = lambda content: content[:-1] + b"?"
    with pytest.raises(UserError, match="the download is damaged"):
        fetch_style("hf:owner/night")
    with pytest.raises(UserError, match="the download is damaged"):
        again("hf:owner/night/night.safetensors")
    hub.damage = lambda content: content
    assert hashlib.sha256(again("hf:owner/night").read_bytes()).digest() == (
        hashlib.sha256(style).digest()
    )


@pytest.mark.usefixtures("night")
def test_a_connection_that_breaks_is_tried_again(hub: Hub, style: bytes) -> None:
    hub.breaks = 1
    assert fetch_style("hf:owner/night").read_bytes() == style


@pytest.mark.usefixtures("night")
def test_one_that_keeps_breaking_is_one_line_and_leaves_nothing(
    hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("huggingface_hub.file_download.time.sleep", lambda _: None)
    hub.breaks = 100
    with pytest.raises(UserError, match=f"the connection to {hub.address} broke off; try again"):
        fetch_style("hf:owner/night")
    cached = (tmp_path / "huggingface").rglob("*")
    assert not [path for path in cached if path.suffix in (".safetensors", ".incomplete")]


@pytest.mark.usefixtures("night")
def test_a_server_that_is_no_hub_is_told(hub: Hub) -> None:
    hub.claims = {"X-Repo-Commit": ""}
    with pytest.raises(UserError, match=f"{hub.address} does not answer as the Hub does"):
        fetch_style("hf:owner/night")
    hub.status = 200  # with nothing, as a page to log in to a network
    with pytest.raises(UserError, match=f"{hub.address} does not answer as the Hub does"):
        fetch_style("hf:owner/night")
    assert hub.requests


def test_a_file_in_git_itself_is_checked_too(
    hub: Hub, night: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tests.hub.is_lfs", lambda _: False)
    assert fetch_style("hf:owner/night").read_bytes() == night.files["night.safetensors"]
    night.add({"night.safetensors": b"newer"})
    hub.damage = lambda content: content[:-1] + b"?"
    with pytest.raises(UserError, match="the download is damaged"):
        again("hf:owner/night")


@pytest.mark.usefixtures("hub")
def test_a_missing_package_says_what_brings_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "huggingface_hub", None)
    with pytest.raises(UserError, match=r'pip install "faststyle\[hub\]"'):
        find_style("hf:owner/night")
