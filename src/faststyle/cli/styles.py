"""``faststyle styles``: the names that ``--ckpt`` knows."""


def styles() -> None:
    """Print a line for each style in the catalog."""
    from faststyle.styles.catalog import list_styles

    found = list_styles()
    for style in found:
        print(f"{style.name}: {style.describe()}")
    if not found:
        print("no styles here yet: train one, or pass --ckpt the path of a checkpoint")
