// The work of TemplateBenchmarks.swift in handlebars.js (Debian: libjs-handlebars or node-handlebars).
const Handlebars = require(process.argv[2] || '/usr/share/nodejs/handlebars');
const source = '<h1>{{title}}</h1><table>{{#each rows}}<tr><td>{{id}}</td><td>{{name}}</td><td>{{note}}</td><td>{{amount}}</td></tr>{{/each}}</table>';
const data = { title: 'Visits', rows: Array.from({ length: 100 }, (_, i) => ({ id: i, name: `Patient <${i}>`, note: 'a & b', amount: '12.50' })) };
function best(count, body) {
  let best = Infinity;
  for (let round = 0; round < 14; round++) {
    const start = process.cpuUsage();
    for (let i = 0; i < count; i++) body();
    const used = process.cpuUsage(start);
    best = Math.min(best, (used.user + used.system) / count);
  }
  return best;
}
const template = Handlebars.compile(source);
const bytes = Buffer.byteLength(template(data));
console.log(JSON.stringify({
  peer: 'handlebars.js ' + Handlebars.VERSION, bytes,
  render: best(2000, () => template(data)), compile: best(500, () => Handlebars.precompile(source)),
}));
