// A server may ask for a token before it shows anything. It stays in this tab alone and goes to this server alone.
const kKey = 'smgate-token';

export function readToken(): string | null {
  try {
    return sessionStorage.getItem(kKey);
  } catch {
    return null;
  }
}

export function keepToken(token: string): void {
  try {
    sessionStorage.setItem(kKey, token);
  } catch {
    // Without storage the server goes on asking; there is nothing better to do.
  }
}
