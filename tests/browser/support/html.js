// Whether HTML is as it should be, in the judgement of html-validate.

import { HtmlValidate } from "html-validate";

const validator = new HtmlValidate({
  extends: ["html-validate:recommended"],
  rules: {
    // HTML ignores the case of it.
    "doctype-style": ["error", { style: "lowercase" }],
    // A button in a form submits it (HTML, 4.10.6); here none does anything else.
    "no-implicit-button-type": "off",
    // The list of countries leaves out what options need not have (templates/partials/number.html); `isLeftOut` is about that too.
    "attr-quotes": ["error", { style: "double", unquoted: true }],
    // The inbox shows emails as they are, with the mark before a signature (RFC 3676, 4.3).
    "no-trailing-whitespace": "off",
  },
});

/** What is wrong with a page as it was sent, a line for each fault. */
export async function faultsOf(html) {
  const { results } = await validator.validateString(html);
  const lines = html.split("\n");
  return results.flatMap(({ messages }) =>
    messages.filter((message) => !isLeftOut(message)).map(({ ruleId, message, line }) => `${ruleId}: ${message}: ${lines[line - 1].slice(0, 160)}`),
  );
}

/** Whether it is about an option without an end tag, of which the list has 245. */
function isLeftOut({ ruleId, message }) {
  return ruleId === "no-implicit-close" && message.includes("<option>");
}
