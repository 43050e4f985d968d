"""A plot of requests a second as SVG."""

import html
import statistics

WIDTH, LEFT, RIGHT, BAR, GAP, TITLE = 880, 220, 90, 16, 8, 44
COLOURS = {"bare hyper": "#8a8f98", "proxyhost": "#1f6feb"}
PEER = "#c4862b"


def svg(loads):
    """Bars of medians, with lines from the least to the most of the rounds; `loads` are rates by contender and protocol."""
    parts, at = [], 0
    for load, rates in loads.items():
        parts.append(text(0, at + 26, f"{load}: requests a second, median, least and most of the rounds", "bold"))
        at += TITLE
        most = max(max(values) for values in rates.values()) or 1
        for name, values in rates.items():
            parts += bar(at, name, values, (WIDTH - LEFT - RIGHT) / most)
            at += BAR + GAP
        at += GAP
    return (f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{at}" viewBox="0 0 {WIDTH} {at}" '
            'font-family="sans-serif" font-size="12">\n<rect width="100%" height="100%" fill="white"/>\n'
            + "\n".join(parts) + "\n</svg>\n")


def bar(top, name, values, scale):
    middle = statistics.median(values)
    colour = COLOURS.get(name.split(",")[0], PEER)
    line = top + BAR / 2
    yield text(LEFT - 8, top + 12, name, anchor="end")
    yield f'<rect x="{LEFT}" y="{top}" width="{middle * scale:.1f}" height="{BAR}" fill="{colour}"/>'
    yield (f'<line x1="{LEFT + min(values) * scale:.1f}" x2="{LEFT + max(values) * scale:.1f}" y1="{line}" y2="{line}" '
           'stroke="black"/>')
    yield text(LEFT + max(values) * scale + 6, top + 12, f"{middle:,.0f}")


def text(x, y, content, weight="normal", anchor="start"):
    return (f'<text x="{x:.1f}" y="{y}" font-weight="{weight}" text-anchor="{anchor}">{html.escape(content)}</text>')
