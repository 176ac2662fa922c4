/** The shop's own measurements. The queue takes them also before the script of Icarus has come. */
export function icarus(...call) {
  window.icarus ??= { q: [] };
  window.icarus.q.push(call);
}
