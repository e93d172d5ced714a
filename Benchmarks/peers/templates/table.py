"""The work of TemplateBenchmarks in jinja2 and pystache, whichever is installed. Nanoseconds of CPU time."""
import importlib.util
import resource

DATA = {
    "title": "Visits",
    "rows": [{"id": i, "name": f"Patient <{i}>", "note": "a & b", "amount": "12.50"} for i in range(100)],
}
ROW = "<tr><td>{{%sid}}</td><td>{{%sname}}</td><td>{{%snote}}</td><td>{{%samount}}</td></tr>"
HEAD, TAIL = "<h1>{{title}}</h1><table>", "</table>"
BYTES = 7910


def used():
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def row(name, count, render):
    """The least of several rounds."""
    size = len(render().encode())
    if size != BYTES:
        raise SystemExit(f"{name} writes {size} bytes, not {BYTES}")
    least = float("inf")
    for _ in range(5):
        start = used()
        for _ in range(count):
            render()
        least = min(least, (used() - start) / count)
    print(f"{name}.table\t{least * 1e9}")


if importlib.util.find_spec("jinja2"):
    import jinja2
    source = HEAD + "{% for r in rows %}" + ROW % (("r.",) * 4) + "{% endfor %}" + TAIL
    template = jinja2.Environment(autoescape=True).from_string(source)
    row("jinja2", 200, lambda: template.render(DATA))
if importlib.util.find_spec("pystache"):
    import pystache
    parsed = pystache.parse(HEAD + "{{#rows}}" + ROW % (("",) * 4) + "{{/rows}}" + TAIL)
    renderer = pystache.Renderer()
    row("pystache", 100, lambda: renderer.render(parsed, DATA))
