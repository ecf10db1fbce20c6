"""How the page looks: one style sheet, for light and dark, for a phone and for paper."""

#: The colours in which `lowerbound.drawing` draws a diagram, and what stands for each on a page, light or dark.
DIAGRAM_COLORS = {"#1a1a1a": "var(--ink)", "#ffffff": "var(--paper)", "#d4d4d4": "var(--shade)"}

_DIAGRAM = "\n".join(
    f'.network [{attribute}="{drawn}"] {{ {attribute}: {shown}; }}'
    for drawn, shown in DIAGRAM_COLORS.items()
    for attribute in ("fill", "stroke")
)

STYLE = (
    """
:root {
  color-scheme: light dark;
  --paper: #fefefc; --ink: #1b1c1e; --muted: #5d6066; --rule: #dddcd6; --strong: #8d8d88; --shade: #d9d9d6;
  --tint: #f5f4f0; --link: #1f5a9c; --shadow: rgb(0 0 0 / 0.16);
  --serif: Charter, "Bitstream Charter", "STIX Two Text", "Source Serif 4", Cambria, Georgia, "Liberation Serif", serif;
  --sans: system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", "Liberation Sans", Arial, sans-serif;
  --mono: ui-monospace, "SF Mono", Menlo, Consolas, "Liberation Mono", "DejaVu Sans Mono", monospace;
}
@media screen and (prefers-color-scheme: dark) {
  :root {
    --paper: #16181b; --ink: #e3e2dd; --muted: #a3a49f; --rule: #34373c; --strong: #6d7076; --shade: #4a4e55;
    --tint: #1e2125; --link: #8ab8ea; --shadow: rgb(0 0 0 / 0.6);
  }
}
* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; text-size-adjust: 100%; scroll-behavior: smooth; }
@media (prefers-reduced-motion: reduce) { html { scroll-behavior: auto; } }
body {
  margin: 0; padding: 4.5rem 0 5rem; background: var(--paper); color: var(--ink);
  font: 1.0625rem/1.6 var(--serif); font-kerning: normal; overflow-wrap: break-word;
}
/* One column of text, with room on both sides for what is wide. */
.column {
  display: grid;
  grid-template-columns:
    [full-start] minmax(1.25rem, 1fr) [wide-start] minmax(0, 8rem) [text-start] min(43rem, 100% - 2.5rem)
    [text-end] minmax(0, 8rem) [wide-end] minmax(1.25rem, 1fr) [full-end];
}
.column > * { grid-column: text; min-width: 0; }
.column > .wide { grid-column: wide; }
p, ul, dl, pre, table, figure { margin: 0; }
p + p { margin-top: 0.7rem; }
a { color: var(--link); text-decoration-thickness: 0.06em; text-underline-offset: 0.15em; }
h1 { margin: 0; font-size: clamp(1.75rem, 5vw, 2.4rem); line-height: 1.18; font-weight: 600; letter-spacing: -0.012em;
  text-wrap: balance; }
h2 { margin: 0 0 1.1rem; font-size: 1.35rem; line-height: 1.3; font-weight: 600; }
h2 .number { display: inline-block; min-width: 1.9rem; color: var(--muted); font-weight: 400; }
h3 { margin: 1.8rem 0 0.5rem; font: 600 0.9rem/1.4 var(--sans); }
section { margin-top: 4.2rem; scroll-margin-top: 1.5rem; }
.kind { margin-bottom: 0.8rem; font: 0.8125rem/1.4 var(--sans); color: var(--muted); letter-spacing: 0.01em; }
.lead { margin-top: 1.2rem; font-size: 1.2rem; line-height: 1.55; }
nav { margin-top: 2.4rem; padding: 1rem 0; border-block: 1px solid var(--rule);
  font: 0.875rem/1.5 var(--sans); }
nav ol { display: grid; grid-template-columns: repeat(auto-fill, minmax(12.5rem, 1fr)); gap: 0.15rem 1.5rem;
  margin: 0; padding: 0; list-style: none; }
nav a { display: flex; padding: 0.14rem 0; color: inherit; text-decoration: none; }
nav a:hover { color: var(--link); text-decoration: underline; }
nav .number { flex: none; min-width: 1.3rem; color: var(--muted); }
:focus-visible { outline: 2px solid var(--link); outline-offset: 3px; border-radius: 2px; }

/* Tables: rules above and below, and their own scroll box, with a shadow where more is to be seen. */
.scroll {
  overflow-x: auto; max-width: 100%;
  background:
    linear-gradient(to right, var(--paper) 40%, transparent) 0 0 / 2.5rem 100% no-repeat local,
    linear-gradient(to left, var(--paper) 40%, transparent) 100% 0 / 2.5rem 100% no-repeat local,
    linear-gradient(to right, var(--shadow), transparent) 0 0 / 0.7rem 100% no-repeat scroll,
    linear-gradient(to left, var(--shadow), transparent) 100% 0 / 0.7rem 100% no-repeat scroll;
}
table { width: 100%; border-collapse: collapse; font: 0.875rem/1.45 var(--sans);
  font-variant-numeric: tabular-nums lining-nums; }
caption, figcaption, .key { font: 0.84375rem/1.55 var(--sans); color: var(--muted); text-align: left; }
caption b, figcaption b, .key b { color: var(--ink); font-weight: 600; }
thead th { padding: 0.45rem 0.9rem 0.45rem 0; border-block: 1px solid var(--strong); font-weight: 600; text-align: left;
  vertical-align: bottom; }
thead th small { display: block; font-size: 0.75rem; font-weight: 400; color: var(--muted); white-space: nowrap; }
tbody th, tbody td { padding: 0.5rem 0.9rem 0.5rem 0; border-bottom: 1px solid var(--rule); text-align: left;
  vertical-align: top; font-weight: 400; }
tbody tr:last-child > * { border-bottom-color: var(--strong); }
tr > :last-child { padding-right: 0; }
th.figures, td.figures { text-align: right; white-space: nowrap; }
tbody th { font-weight: 500; }
tbody th small { display: block; max-width: 22rem; font-size: 0.8125rem; font-weight: 400; color: var(--muted); }
.scores tbody tr:first-child th, .scores tbody tr:first-child td.main { font-weight: 700; }
.scores th[scope=row] { min-width: 8.5rem; }
.scores td.side { min-width: 7.5rem; }
.key { margin-top: 0.9rem; }
.key p + p { margin-top: 0.3rem; }
.names { min-width: 52rem; }
.names th[scope=row] { position: sticky; left: 0; padding-right: 1.1rem; background: var(--paper); white-space: nowrap;
  font-family: var(--serif); font-size: 1rem; }
.names td { width: 24%; }
.latents th[scope=row] { white-space: nowrap; }
.latents td { min-width: 5rem; }
.latents td:last-child { min-width: 13rem; }

.pairs { display: grid; grid-template-columns: 10rem minmax(0, 1fr); font: 0.875rem/1.5 var(--sans);
  border-top: 1px solid var(--rule); }
.pairs dt, .pairs dd { margin: 0; padding: 0.38rem 0; border-bottom: 1px solid var(--rule); }
.pairs dt { padding-right: 1.5rem; color: var(--muted); max-width: 15rem; }
.pairs dd { overflow-wrap: anywhere; font-variant-numeric: tabular-nums; }
.notes { padding: 0; list-style: none; }
.notes li { padding-left: 1rem; border-left: 3px solid #d86b11; }
.notes li + li { margin-top: 0.9rem; }

figure { font-family: var(--sans); }
figure + figure, p + figure, figure + .scroll, .scroll + figure, p + .scroll, .formula + .scroll { margin-top: 2rem; }
figure + figure { margin-top: 3rem; }
figure > svg { max-width: 100%; height: auto; }
figcaption { margin-top: 0.8rem; max-width: 43rem; }
.pixels { display: block; max-width: 100%; height: auto; image-rendering: pixelated; }
.formula { padding-left: 1.2rem; text-indent: -1.2rem; line-height: 1.75; overflow-wrap: anywhere; }
.formula + .formula { margin-top: 0.1rem; }
.formula + p { margin-top: 0.9rem; }
sup, sub { line-height: 0; font-size: 0.72em; }
pre { padding: 0.85rem 1rem; background: var(--tint); border-radius: 4px; font: 0.84375rem/1.6 var(--mono);
  white-space: pre-wrap; overflow-wrap: anywhere; }
pre + p, p + pre { margin-top: 0.9rem; }
details { border-block: 1px solid var(--rule); }
pre + details { margin-top: 2rem; }
summary { padding: 0.7rem 0; font: 600 0.9rem/1.4 var(--sans); cursor: pointer; }
details[open] { border-bottom: none; }
details h3:first-of-type { margin-top: 0.6rem; }
footer { margin-top: 4.5rem; font: 0.8125rem/1.5 var(--sans); color: var(--muted); }

@media (max-width: 34rem) {
  body { padding-top: 2.4rem; font-size: 1rem; }
  section { margin-top: 3.2rem; }
  .lead { font-size: 1.0938rem; }
  thead th, tbody th, tbody td { padding-right: 0.7rem; }
  .pairs { grid-template-columns: minmax(5.5rem, 38%) minmax(0, 1fr); }
  .pairs dt { padding-right: 1rem; }
  .scores thead th, thead th small { white-space: normal; }
  .scores { font-size: 0.8125rem; }
  .scores thead th { min-width: 3.4rem; }
}
@media print {
  :root { color-scheme: light; }
  body { padding: 0; font-size: 10.5pt; }
  nav { display: none; }
  section { margin-top: 2rem; }
  h2, h3 { break-after: avoid; }
  figure, tr, .pairs > *, pre { break-inside: avoid; }
  .scroll { overflow: visible; background: none; }
  .names { min-width: 0; font-size: 8pt; }
  .names th[scope=row] { position: static; font-size: 9pt; }
  details::details-content { content-visibility: visible; height: auto; }
}
"""
    + _DIAGRAM
)
