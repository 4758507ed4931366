// Whether HTML is as it should be, in the judgement of html-validate.

import { HtmlValidate } from "html-validate";

const validator = new HtmlValidate({
  extends: ["html-validate:recommended"],
});

/** What is wrong with a page as it was sent, a line for each fault. */
export async function faultsOf(html) {
  const { results } = await validator.validateString(html);
  const lines = html.split("\n");
  return results.flatMap(({ messages }) =>
    messages.map(({ ruleId, message, line }) => `${ruleId}: ${message}: ${lines[line - 1].slice(0, 160)}`),
  );
}
