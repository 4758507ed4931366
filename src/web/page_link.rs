//! The link that a page acts on, sealed into its form.
//!
//! An emailed link waits in the cookie (S47), and any page can open another one in this browser
//! meanwhile: a foreign page too, with a link to an account of its own. So a form carries the link
//! that its page showed, and its press acts on that one, whatever the cookie holds by then.

use actix_web::cookie::{Cookie, CookieJar};

use super::{
    PageState,
    forms::{
        form::FormFields,
        form_data::{FormData, Input},
    },
    request::{
        session::{LinkAction, PendingLink},
        visit::Visit,
    },
};

/// The hidden field.
pub(crate) const LINK: &str = "link";

/// A form with nothing but a button, for the link that its page showed.
pub(crate) struct LinkPress;

impl FormFields for LinkPress {
    const INPUTS: &'static [Input] = &[Input::Line(LINK)];

    fn read(_: &mut FormData) -> Self {
        Self
    }
}

/// The link that a form was shown for, if it is for that. Pages of an older release have no such
/// field: there it is the cookie's.
pub(crate) fn sent(
    visit: &Visit,
    field: &str,
    is_wanted: impl Fn(LinkAction) -> bool,
) -> Option<PendingLink> {
    let pending_link =
        if field.is_empty() { visit.session().pending_link() } else { opened(visit.site(), field) };
    pending_link.filter(|pending_link| is_wanted(pending_link.action))
}

/// The field of a page that shows what the cookie holds; empty where that is nothing.
pub(crate) fn sealed(visit: &Visit) -> String {
    let text = visit
        .session()
        .pending_link()
        .and_then(|pending_link| serde_json::to_string(&pending_link).ok());
    let (Some(text), Some(key)) = (text, visit.site().keys.first()) else { return String::new() };
    let mut jar = CookieJar::new();
    jar.private_mut(key).add(Cookie::new(LINK, text));
    jar.get(LINK).map(|sealed| sealed.value().to_owned()).unwrap_or_default()
}

fn opened(site: &PageState, field: &str) -> Option<PendingLink> {
    let mut jar = CookieJar::new();
    jar.add_original(Cookie::new(LINK, field.to_owned()));
    let open = site.keys.iter().find_map(|key| jar.private(key).get(LINK))?;
    serde_json::from_str(open.value()).ok()
}
