// A server may ask for a token before it shows anything, and always asks for one before it changes something. Tokens stay in
// this tab alone and go to this server alone. What is changed by is kept apart: it need not have the scope read.
const kReadKey = 'smgate-token';
const kActionKey = 'smgate-action-token';

function read(key: string): string | null {
  try {
    return sessionStorage.getItem(key);
  } catch {
    return null;
  }
}

function keep(key: string, token: string): void {
  try {
    sessionStorage.setItem(key, token);
  } catch {
    // Without storage the server goes on asking; there is nothing better to do.
  }
}

export const readToken = (): string | null => read(kReadKey);
export const keepToken = (token: string): void => keep(kReadKey, token);
export const readActionToken = (): string | null => read(kActionKey) ?? read(kReadKey);
export const keepActionToken = (token: string): void => keep(kActionKey, token);
