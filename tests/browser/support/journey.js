// What every file of journeys begins with: a server and a Chromium for the file, a visitor for whoever enters.

import { after, before } from "node:test";
import { Vestibule } from "./vestibule.js";
import { Visitor, openChromium } from "./visitor.js";

/** `place.visitor()`, `place.member({ name, email })` and `place.hall`; all of it closes when the file is done. `prepare` is
 *  what happens there before the first journey, `options` are those of `Hall.open`. */
export function aPlace(prepare = async () => {}, options = {}) {
  const place = {
    visitor: (options) => Visitor.enter(place.chromium, place.vestibule, options),
    member: (who) => Visitor.member(place.chromium, place.vestibule, who),
  };
  before(async () => {
    place.vestibule = await Vestibule.open(typeof options === "function" ? await options(place) : options);
    place.chromium = await openChromium();
    await prepare(place);
  });
  after(async () => {
    await place.chromium?.close();
    await place.vestibule?.close();
  });
  return place;
}
