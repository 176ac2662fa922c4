import { render } from "preact";
import { startTicking } from "./live";
import { followLinks } from "./place";
import { Shell } from "./shell";
import "./styles/tokens.css";
import "./styles/base.css";
import "./styles/shell.css";
import "./styles/parts.css";
import "./styles/tables.css";
import "./styles/charts.css";

const root = document.getElementById("root");
if (root !== null) {
  followLinks();
  startTicking();
  render(<Shell />, root);
}
