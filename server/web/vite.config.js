// Everything is one script and one sheet with hashed names; index.html alone keeps its name. In development the API of a
// server that runs on this machine is used: SMGATE_SERVER=http://127.0.0.1:8080 npm run dev.
import { defineConfig } from 'vite';

const server = process.env.SMGATE_SERVER ?? 'http://127.0.0.1:8080';

export default defineConfig({
  server: { proxy: { '/api': server, '/badge': server, '/readyz': server } },
  build: {
    target: 'es2022',
    assetsDir: 'assets',
    assetsInlineLimit: 0,
    modulePreload: false,
    reportCompressedSize: false,
    emptyOutDir: true,
  },
});
