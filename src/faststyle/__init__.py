"""Feed-forward neural style transfer: train a style, export it, stylize photos."""

from typing import TYPE_CHECKING, Any

from faststyle.core.version import __version__

if TYPE_CHECKING:
    from faststyle.stylize.regions import Regions
    from faststyle.stylize.stylizer import Stylizer

__all__ = ["Regions", "Stylizer", "__version__"]


def __getattr__(name: str) -> Any:
    # torch takes a second to import; `import faststyle` alone should not.
    if name == "Stylizer":
        from faststyle.stylize.stylizer import Stylizer

        return Stylizer
    if name == "Regions":
        from faststyle.stylize.regions import Regions

        return Regions
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
