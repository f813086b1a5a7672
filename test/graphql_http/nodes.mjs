// The nodes under test, and ways to ask them.
export const [port, strictPort, onlyPort] = JSON.parse(process.env.PARLEY_NODES);
export const url = `http://127.0.0.1:${port}/graphql`;
export const strictUrl = `http://127.0.0.1:${strictPort}/graphql`;
export const onlyUrl = `http://127.0.0.1:${onlyPort}/graphql`;

// {status, headers, body} of a POST.
export async function post(body, {to = url, headers = {}} = {}) {
  const response = await fetch(to, {
    method: 'POST',
    headers: {'content-type': 'application/json', ...headers},
    body: typeof body === 'string' ? body : JSON.stringify(body),
  });
  const text = await response.text();
  return {status: response.status, headers: response.headers, body: text === '' ? null : JSON.parse(text)};
}

export const ask = async (query, variables, options) => (await post({query, variables}, options)).body;

// What the backend was asked since the last time.
export async function backend() {
  return (await fetch(`http://127.0.0.1:${process.env.PARLEY_BACKEND}/calls`)).json();
}

export async function until(condition, what) {
  for (let i = 0; i < 6000; ++i) {
    if (await condition()) return;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  throw new Error(`waited in vain: ${what}`);
}
