// node's EventEmitter: emit to 0, 1 and 8 listeners. Prints name<TAB>nanoseconds of CPU per emit.
const { EventEmitter } = require('node:events');

function measure(name, operations, run) {
  run(operations / 10);
  const start = process.cpuUsage();
  run(operations);
  const used = process.cpuUsage(start);
  console.log(`${name}\t${((used.user + used.system) * 1000) / operations}`);
}

for (const listeners of [0, 1, 8]) {
  const emitter = new EventEmitter();
  let sum = 0;
  for (let i = 0; i < listeners; i++) emitter.on('order.placed', (event) => { sum += event.id; });
  measure(`node.emit.${listeners}`, 5_000_000, (count) => {
    for (let id = 0; id < count; id++) emitter.emit('order.placed', { id, amount: 1 });
  });
}
