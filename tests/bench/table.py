"""Tables of text."""

from collections.abc import Sequence


def show(title: str, head: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print a table: the first column to the left, the others to the right."""
    widths = [max(len(row[at]) for row in (head, *rows)) for at in range(len(head))]
    print(f"{title}\n")
    for row in (head, *rows):
        first, *others = (
            text.ljust(width) if at == 0 else text.rjust(width)
            for at, (text, width) in enumerate(zip(row, widths, strict=True))
        )
        print("  ".join([f"  {first}", *others]))
    print(flush=True)


def times(ratio: float) -> str:
    """Return a ratio as text."""
    return f"{ratio:.2f}x" if ratio >= 0.1 else f"{ratio:.4f}x"
