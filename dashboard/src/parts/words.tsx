/** The server's words: what stands in backticks is code. Everything is text, whatever it holds. */

export function Words({ text }: { text: string }) {
  return <>{text.split("`").map((part, i) => (i % 2 === 1 ? <code key={i}>{part}</code> : part))}</>;
}
