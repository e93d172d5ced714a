"""The work of TemplateBenchmarks.swift in jinja2 and pystache."""
import html, json, resource, sys

data = {"title": "Visits", "rows": [{"id": i, "name": f"Patient <{i}>", "note": "a & b", "amount": "12.50"} for i in range(100)]}

def used():
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime

def best(count, body):
    least = float("inf")
    for _ in range(7):
        start = used()
        for _ in range(count):
            body()
        least = min(least, (used() - start) / count * 1e6)
    return least

if sys.argv[1] == "jinja2":
    import jinja2
    source = "<h1>{{title}}</h1><table>{% for r in rows %}<tr><td>{{r.id}}</td><td>{{r.name}}</td><td>{{r.note}}</td><td>{{r.amount}}</td></tr>{% endfor %}</table>"
    template = jinja2.Environment(autoescape=True).from_string(source)
    render, version = (lambda: template.render(data)), jinja2.__version__
else:
    import pystache
    source = "<h1>{{title}}</h1><table>{{#rows}}<tr><td>{{id}}</td><td>{{name}}</td><td>{{note}}</td><td>{{amount}}</td></tr>{{/rows}}</table>"
    parsed, renderer = pystache.parse(source), pystache.Renderer()
    render, version = (lambda: renderer.render(parsed, data)), "0.6"
print(json.dumps({"peer": f"{sys.argv[1]} {version}", "bytes": len(render().encode()), "render": best(200, render)}))
