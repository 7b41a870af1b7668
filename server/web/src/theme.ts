// Light or dark: what the system says, until the reader says otherwise.
const kKey = 'smgate-theme';
type Theme = 'light' | 'dark';
const system = matchMedia('(prefers-color-scheme: dark)');

function stored(): Theme | null {
  try {
    const value = localStorage.getItem(kKey);
    return value === 'light' || value === 'dark' ? value : null;
  } catch {
    return null;  // a browser that keeps nothing still shows the page
  }
}

export function theme(): Theme {
  return stored() ?? (system.matches ? 'dark' : 'light');
}

function apply(): void {
  document.documentElement.dataset.theme = theme();
  document.dispatchEvent(new Event('themechange'));
}

export function toggleTheme(): void {
  const next: Theme = theme() === 'dark' ? 'light' : 'dark';
  try {
    if (next === (system.matches ? 'dark' : 'light')) localStorage.removeItem(kKey);
    else localStorage.setItem(kKey, next);
  } catch {
    // Then it lasts until the page is left.
  }
  document.documentElement.dataset.theme = next;
  document.dispatchEvent(new Event('themechange'));
}

export function startTheme(): void {
  system.addEventListener('change', apply);
  apply();
}

/** The value of one of the sheet's custom properties. */
export function color(name: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
}
