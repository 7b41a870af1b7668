// Writes OUTPUT, a C++ file with every file of FOLDER as bytes, plain and gzipped: node embed.mjs FOLDER OUTPUT
import { createHash } from 'node:crypto';
import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { extname, join } from 'node:path';
import { gzipSync } from 'node:zlib';

const kTypes = {
  '.html': 'text/html; charset=utf-8', '.js': 'text/javascript; charset=utf-8', '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
};

// A literal of pieces, because compilers bound the length of one; three octal digits, so that no digit that follows
// can be taken for a part of them.
function literal(bytes) {
  const lines = [];
  for (let start = 0; start < bytes.length; start += 4096) {
    let line = '';
    for (const byte of bytes.subarray(start, start + 4096)) {
      const printable = byte >= 0x20 && byte < 0x7f && byte !== 0x22 && byte !== 0x5c && byte !== 0x3f;
      line += printable ? String.fromCharCode(byte) : `\\${byte.toString(8).padStart(3, '0')}`;
    }
    lines.push(`"${line}"`);
  }
  return lines.join('\n      ') || '""';
}

function files(folder, under = '') {
  return readdirSync(join(folder, under), { withFileTypes: true }).flatMap((entry) =>
    entry.isDirectory() ? files(folder, `${under}${entry.name}/`) : [`${under}${entry.name}`]);
}

const [folder, output] = process.argv.slice(2);
const rows = files(folder).sort().map((name) => {
  const type = kTypes[extname(name)];
  if (!type) throw new Error(`${name}: which content type has it?`);
  const bytes = readFileSync(join(folder, name));
  const packed = gzipSync(bytes, { level: 9 });
  const tag = createHash('sha256').update(bytes).digest('hex').slice(0, 16);
  return `      {"/${name}", "${type}", "${tag}",\n      std::string_view(${literal(bytes)}, ${bytes.length}),\n`
    + `      std::string_view(${literal(packed)}, ${packed.length})},\n`;
});
writeFileSync(output, `// Generated from server/web.
#include "server/dashboard/page_files.hpp"

namespace smgate::dashboard {

const std::vector<PageFile>& page_files() {
  static const std::vector<PageFile> all = {
${rows.join('')}  };
  return all;
}

}  // namespace smgate::dashboard
`);
