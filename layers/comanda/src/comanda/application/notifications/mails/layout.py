"""How a mail looks. Readers of mail know little of CSS: all of it stands on the elements, and there are no tables,
images or scripts. No text and no background has a colour of its own but the button, so that it can be read on a light
page and on a dark one, whichever the reader's program makes of it.
"""

from html import escape

from comanda.application.notifications.mails.content import Content
from comanda.application.notifications.mails.words import Tone

_BARS = {Tone.GOOD: "#2da44e", Tone.BAD: "#e5484d", Tone.NEUTRAL: "#8b949e"}
"""Seen on white and on black."""
_FONT = "font-family:system-ui,-apple-system,'Segoe UI',Roboto,Arial,sans-serif"
_FAINT = "opacity:0.75"


def as_text(content: Content) -> str:
    """Plain text, a fact a line."""
    parts = [content.sentence, "\n".join(f"{name}: {value}" for name, value in content.facts)]
    if content.link:
        says, url = content.link
        parts.append(f"{says}:\n{url}")
    parts.append(f"-- \n{content.footer}")  # "-- " begins a signature (RFC 3676, 4.3).
    return "\n\n".join(parts) + "\n"


def as_html(content: Content) -> str:
    """A whole HTML document; every value is escaped."""
    facts = "".join(
        f'<p style="margin:0 0 12px;overflow-wrap:anywhere"><span style="font-size:13px;{_FAINT}">{escape(name)}</span>'
        f'<br><span style="font-size:16px">{escape(value)}</span></p>\n'
        for name, value in content.facts
    )
    return f"""<!doctype html>
<html lang="{content.language}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width,initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="supported-color-schemes" content="light dark">
<title>{escape(content.subject)}</title>
</head>
<body style="margin:0;padding:24px 16px;{_FONT};line-height:1.5">
<div style="max-width:520px;margin:0 auto;padding:4px 0 4px 20px;border-left:4px solid {_BARS[content.tone]}">
<h1 style="margin:0 0 8px;font-size:22px;line-height:1.25">{escape(content.subject)}</h1>
<p style="margin:0 0 20px;font-size:16px">{escape(content.sentence)}</p>
{facts}{_button(content)}</div>
<p style="max-width:520px;margin:24px auto 0;padding-left:24px;font-size:12px;{_FAINT}">{escape(content.footer)}</p>
</body>
</html>
"""


def _button(content: Content) -> str:
    if content.link is None:
        return ""
    says, url = content.link
    style = "display:inline-block;padding:10px 18px;border-radius:6px;background:#1f6feb;color:#ffffff"
    return (
        f'<p style="margin:20px 0 8px"><a href="{escape(url)}" '
        f'style="{style};font-weight:600;text-decoration:none">{escape(says)}</a></p>\n'
    )
