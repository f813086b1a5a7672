"""The results as a table and as a chart."""


def met(row):
    if row["aim"] is None or row["ours"] is None:
        return ""
    good = row["ours"] <= row["aim"] if row["better"] == "lower" else row["ours"] >= row["aim"]
    return "yes" if good else "no"


def table(rows, notes):
    lines = ["| what | unit | parley | aim | met | peers (median) | parley's spread |", "| --- | --- | --- | --- | --- | --- | --- |"]
    for row in rows:
        others = ", ".join(f"{name} {value}" for name, value in row["peers"].items())
        ours, spread = "not measured", ""
        if row["ours"] is not None:
            ours, spread = f"**{row['ours']}**", "{} to {}".format(*row["spread"]["parley"])
        aim = "" if row["aim"] is None else row["aim"]
        lines.append(f"| {row['name']} | {row['unit']} | {ours} | {aim} | {met(row)} | {others} | {spread} |")
    return "\n".join(lines) + "\n" + "".join(f"\n- {note}" for note in notes) + ("\n" if notes else "")


def chart(rows):
    """One group of bars a row, scaled to its own largest value."""
    bar, gap, left, width = 16, 26, 330, 900
    parts, y = [], 20
    for row in rows:
        values = {"parley": row["ours"], **row["peers"]}
        values = {name: value for name, value in values.items() if value is not None}
        top = max([v for v in values.values() if v > 0] or [1])
        parts.append(f'<text x="10" y="{y + 12}" class="t">{row["name"]} ({row["unit"]}, {row["better"]} is better)</text>')
        y += 20
        for name, value in values.items():
            w = max(2, (width - left - 90) * max(value, 0) / top)
            parts.append(f'<text x="{left - 8}" y="{y + 12}" text-anchor="end">{name}</text>'
                         f'<rect x="{left}" y="{y}" width="{w:.0f}" height="{bar - 3}" class="{"us" if name == "parley" else "peer"}"/>'
                         f'<text x="{left + w + 6:.0f}" y="{y + 12}">{value}</text>')
            y += bar
        y += gap - bar
    style = "text{font:12px sans-serif;fill:#333}.t{font-weight:bold}.us{fill:#2563eb}.peer{fill:#b6c2d2}"
    return (f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{y + 10}"><style>{style}</style>'
            f'<rect width="100%" height="100%" fill="white"/>{"".join(parts)}</svg>\n')
