//! The link that a page acts on, sealed into its form.
//!
//! A mailed link waits in the cookie (SECURITY.md S47), and any page can open another one in this browser meanwhile: a foreign
//! page too, with a link to an account of its own. So a form carries the link that its page showed, and its press acts on that
//! one, whatever the cookie holds by then.

use actix_web::cookie::{Cookie, CookieJar};

use super::{
    Site,
    form::Fields,
    session::{Action, Arrival},
    typed::{Input, Typed},
    visit::Visit,
};

/// The hidden field.
pub(crate) const LINK: &str = "link";

/// A form with nothing but a button, for the link that its page showed.
pub(crate) struct LinkPress;

impl Fields for LinkPress {
    const INPUTS: &'static [Input] = &[Input::Line(LINK)];

    fn read(_: &mut Typed) -> Self {
        Self
    }
}

/// The link that a form was shown for, if it is for that. Pages of an older release have no such field: there it is the cookie's.
pub(crate) fn sent(visit: &Visit, field: &str, is_wanted: impl Fn(Action) -> bool) -> Option<Arrival> {
    let arrival = if field.is_empty() { visit.session().arrival() } else { opened(visit.site(), field) };
    arrival.filter(|arrival| is_wanted(arrival.action))
}

/// The field of a page that shows what the cookie holds; empty where that is nothing.
pub(crate) fn sealed(visit: &Visit) -> String {
    let text = visit.session().arrival().and_then(|arrival| serde_json::to_string(&arrival).ok());
    let (Some(text), Some(key)) = (text, visit.site().keys.first()) else { return String::new() };
    let mut jar = CookieJar::new();
    jar.private_mut(key).add(Cookie::new(LINK, text));
    jar.get(LINK).map(|sealed| sealed.value().to_owned()).unwrap_or_default()
}

fn opened(site: &Site, field: &str) -> Option<Arrival> {
    let mut jar = CookieJar::new();
    jar.add_original(Cookie::new(LINK, field.to_owned()));
    let open = site.keys.iter().find_map(|key| jar.private(key).get(LINK))?;
    serde_json::from_str(open.value()).ok()
}
