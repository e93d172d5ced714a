// The work of TemplateBenchmarks in handlebars.js (Debian: libjs-handlebars or node-handlebars).
const Handlebars = require(process.argv[2]);
const source = '<h1>{{title}}</h1><table>{{#each rows}}<tr><td>{{id}}</td><td>{{name}}</td><td>{{note}}</td><td>{{amount}}</td></tr>{{/each}}</table>';
const data = { title: 'Visits', rows: Array.from({ length: 100 }, (_, i) => ({ id: i, name: `Patient <${i}>`, note: 'a & b', amount: '12.50' })) };

// Nanoseconds of CPU time, the least of several rounds.
function best(count, body) {
  let least = Infinity;
  for (let round = 0; round < 10; round++) {
    const start = process.cpuUsage();
    for (let i = 0; i < count; i++) body();
    const used = process.cpuUsage(start);
    least = Math.min(least, (used.user + used.system) * 1000 / count);
  }
  return least;
}

function check(text, bytes) {
  if (Buffer.byteLength(text) !== bytes) throw new Error(`${Buffer.byteLength(text)} bytes, not ${bytes}`);
}

const table = Handlebars.compile(source);
const partials = Handlebars.compile('{{#each rows}}{{> row}}{{/each}}');
Handlebars.registerPartial('row', '<p>{{name}} {{amount}}</p>');
check(table(data), 7910);
check(partials(data), 3090);
console.log(`handlebars.js.table\t${best(1500, () => table(data))}`);
console.log(`handlebars.js.partials\t${best(1500, () => partials(data))}`);
console.log(`handlebars.js.compile\t${best(300, () => Handlebars.precompile(source))}`);
