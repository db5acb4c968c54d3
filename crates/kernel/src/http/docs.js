// Draws the OpenAPI document with plain DOM calls: nothing is ever parsed as HTML.
const element = (name, className, text) => {
  const node = document.createElement(name);
  if (className) node.className = className;
  if (text) node.textContent = text;
  return node;
};
const curl = (method, path, operation) => {
  let line = `curl -X ${method.toUpperCase()} '${location.origin}${path}' -H "Authorization: Bearer $TOKEN"`;
  const content = operation.requestBody && Object.keys(operation.requestBody.content)[0];
  if (content) line += ` -H 'Content-Type: ${content}'` + (content === 'application/json' ? " -d '{}'" : ' --data-binary @file.csv');
  return line;
};
const draw = (document_, wanted) => {
  const list = document.getElementById('list');
  list.replaceChildren();
  const groups = new Map();
  for (const [path, methods] of Object.entries(document_.paths))
    for (const [method, operation] of Object.entries(methods)) {
      const text = `${method} ${path} ${operation.operationId} ${operation.summary}`.toLowerCase();
      if (!text.includes(wanted)) continue;
      const tag = operation.tags[0];
      if (!groups.has(tag)) groups.set(tag, []);
      groups.get(tag).push([path, method, operation]);
    }
  if (!groups.size) list.append(element('p', 'soft', 'Nothing fits. Try another word.'));
  for (const [tag, operations] of groups) {
    list.append(element('h2', '', tag));
    for (const [path, method, operation] of operations) {
      const details = element('details');
      const summary = element('summary');
      summary.append(element('span', 'method', method.toUpperCase()), element('code', '', path), element('span', 'soft', operation.summary));
      const body = element('div', 'body');
      if (operation['x-permission']) body.append(element('p', '', `Needs ${operation['x-permission']}.`));
      for (const parameter of operation.parameters || []) body.append(element('p', '', `${parameter.name}: ${parameter.description || ''}`));
      body.append(element('pre', '', curl(method, path, operation)));
      const input = operation.requestBody && Object.values(operation.requestBody.content)[0].schema;
      if (input) body.append(element('p', 'soft', 'Reads'), element('pre', '', JSON.stringify(input, null, 2)));
      for (const [status, answer] of Object.entries(operation.responses)) {
        const schema = answer.content && Object.values(answer.content)[0].schema;
        body.append(element('p', 'soft', `${status} ${answer.description}`));
        if (schema && status !== 'default') body.append(element('pre', '', JSON.stringify(schema, null, 2)));
      }
      details.append(summary, body);
      list.append(details);
    }
  }
};
fetch('/api/v1/openapi.json')
  .then((response) => response.json())
  .then((document_) => {
    const find = document.getElementById('find');
    find.addEventListener('input', () => draw(document_, find.value.toLowerCase()));
    draw(document_, '');
  })
  .catch((error) => {
    document.getElementById('list').textContent = `The document could not be read: ${error}`;
  });
