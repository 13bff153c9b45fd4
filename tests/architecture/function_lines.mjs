// Prints, as JSON, every function of the TypeScript files named on the command line: where it is, how many lines it
// has, and whether it draws something (contains JSX). Needs the console's own TypeScript, whose folder comes first.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

const [consoleFolder, ...paths] = process.argv.slice(2);
const ts = createRequire(`${consoleFolder}/package.json`)("typescript");

const functions = [];
for (const path of paths) {
  const source = ts.createSourceFile(path, readFileSync(path, "utf8"), ts.ScriptTarget.Latest, true);
  const lineAt = (position) => source.getLineAndCharacterOfPosition(position).line + 1;
  const visit = (node) => {
    let draws = ts.isJsxElement(node) || ts.isJsxSelfClosingElement(node) || ts.isJsxFragment(node);
    ts.forEachChild(node, (child) => {
      draws = visit(child) || draws;
    });
    if (ts.isFunctionLike(node) && node.body) {
      const line = lineAt(node.getStart(source));
      const name = node.name?.getText(source) ?? node.parent?.name?.getText(source) ?? "(unnamed)";
      functions.push({ path, line, name, lines: lineAt(node.getEnd()) - line + 1, draws });
    }
    return draws;
  };
  visit(source);
}
console.log(JSON.stringify(functions));
