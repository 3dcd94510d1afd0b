// A token's colour as drawing surfaces need it: light-dark() is resolved only where the browser uses it.
export function toneOf(name) {
  const probe = document.createElement("span");
  probe.className = `tone-${name}`;
  document.body.append(probe);
  const found = getComputedStyle(probe).color;
  probe.remove();
  return found;
}
