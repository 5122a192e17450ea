// Bundles entry.js into the report's assets, with ECharts' licence and the bundle's checksum.
import { createHash } from "node:crypto";
import { copyFileSync, readFileSync, writeFileSync } from "node:fs";
import { build } from "esbuild";

const assets = new URL("../src/loglode/reports/page/assets/", import.meta.url).pathname;
const { version } = JSON.parse(readFileSync("node_modules/echarts/package.json", "utf8"));
await build({
  entryPoints: ["entry.js"],
  outfile: `${assets}charts.js`,
  bundle: true,
  minify: true,
  format: "iife",
  globalName: "charts",
  target: "es2020",
  legalComments: "none",
  charset: "ascii",
  define: { "process.env.NODE_ENV": '"production"' },
  banner: { js: `/* Apache ECharts ${version}, Apache License 2.0: see charts.LICENSE */` },
});
copyFileSync("node_modules/echarts/LICENSE", `${assets}charts.LICENSE`);
copyFileSync("node_modules/echarts/NOTICE", `${assets}charts.NOTICE`);
const digest = createHash("sha256").update(readFileSync(`${assets}charts.js`)).digest("hex");
writeFileSync(`${assets}charts.sha256`, `${digest}  charts.js\n`);
