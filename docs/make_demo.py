"""Write `_static/demo.svg`, a terminal that shows `clerk-webhook demo`: run it after a change to the demo."""

from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path

from rich.console import Console
from rich.text import Text

from clerk_webhook.cli import main

PICTURE = Path(__file__).parent / "_static" / "demo.svg"

# Rich's own format loads a font from elsewhere, and has room around the window.
FORMAT = """\
<svg class="rich-terminal" viewBox="0 0 {terminal_width} {terminal_height}" xmlns="http://www.w3.org/2000/svg">
<style>
.{unique_id}-matrix {{ font-family: ui-monospace, Menlo, Consolas, monospace; font-size: {char_height}px; }}
{styles}
</style>
<defs><clipPath id="{unique_id}-clip-terminal"><rect width="100%" height="100%" /></clipPath>
{lines}</defs>
<rect fill="#14171c" width="100%" height="100%" rx="8" />
<g transform="translate(12, 10)">
{backgrounds}
<g class="{unique_id}-matrix">{matrix}</g>
</g>
</svg>
"""


class Terminal(StringIO):
    """Standard output that is a terminal, so that the demo has its colours."""

    def isatty(self) -> bool:
        """Return that it is one."""
        return True


def picture() -> str:
    """Run the demo, and return its picture."""
    with redirect_stdout(Terminal()) as shown:
        main(["demo"])
    text = Text.from_ansi(f"$ clerk-webhook demo\n{shown.getvalue()}")
    console = Console(
        record=True,
        file=StringIO(),
        width=max(map(len, text.plain.splitlines())) + 2,
    )
    console.print(text)
    return console.export_svg(code_format=FORMAT, unique_id="demo")


if __name__ == "__main__":
    PICTURE.write_text(picture(), "utf-8")
