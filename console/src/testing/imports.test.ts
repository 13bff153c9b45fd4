import { execFile } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { afterAll, expect, it } from "vitest";

const run = promisify(execFile);
const folder = mkdtempSync(join(tmpdir(), "imports-"));
afterAll(() => rmSync(folder, { recursive: true }));

const RULE = "lint/style/noRestrictedImports";

/** Plants these files beside a copy of our rules; returns the files in which an import is refused. */
async function refused(files: Record<string, string>): Promise<string[]> {
  cpSync("biome.json", join(folder, "biome.json"));
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), content);
  }
  const program = join(process.cwd(), "node_modules", "@biomejs", "biome", "bin", "biome");
  const command = ["lint", "--reporter=github", `--only=${RULE.slice("lint/".length)}`, "src"];
  const output = await run(process.execPath, [program, ...command], { cwd: folder }).then(
    ({ stdout }) => stdout,
    (failure: { stdout: string }) => failure.stdout,
  );
  const names = [...output.matchAll(/::error title=lint\/style\/noRestrictedImports,file=([^,]+)/g)];
  return names.map((match) => (match[1] ?? "").replace(/^.*?src\//, "src/")).sort();
}

const FORMS = {
  plain: (from: string) => `import { x } from "${from}";\nexport const y = x;\n`,
  type: (from: string) => `import type { X } from "${from}";\nexport type Y = X;\n`,
  again: (from: string) => `export { x } from "${from}";\n`,
  lazy: (from: string) => `export const x = () => import("${from}");\n`,
};

it("refuses every import that goes up or sideways, in every form", async () => {
  const planted: Record<string, string> = {};
  const forbidden: [string, string][] = [
    ["src/features/balance/up", "@/app/session"],
    ["src/features/balance/sideways", "@/features/members/MembersPage"],
    ["src/features/balance/round", "../members/MembersPage"],
    ["src/shared/up", "@/features/balance/BalancePage"],
    ["src/shared/higher", "@/app/session"],
    ["src/api/up", "@/shared/credits"],
    ["src/api/higher", "@/features/balance/BalancePage"],
    ["src/api/round", "../app/session"],
  ];
  for (const [file, from] of forbidden) {
    for (const [form, write] of Object.entries(FORMS)) planted[`${file}-${form}.ts`] = write(from);
  }

  expect(await refused(planted)).toEqual(Object.keys(planted).sort());
}, 20_000);

it("allows every import that goes down", async () => {
  rmSync(join(folder, "src"), { recursive: true, force: true });

  expect(
    await refused({
      "src/app/down.ts": FORMS.plain("@/features/balance/BalancePage") + FORMS.again("./session"),
      "src/features/balance/down.ts": FORMS.plain("@/shared/credits") + FORMS.again("./BalancePage"),
      "src/shared/down.ts": FORMS.plain("@/api/client"),
    }),
  ).toEqual([]);
}, 20_000);
