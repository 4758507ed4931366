//! The one extractor of the pages: who is here, from where, and what the page needs to greet them.

use std::{
    cell::OnceCell,
    future::{Ready, ready},
    rc::Rc,
};

use actix_web::{
    FromRequest, HttpMessage, HttpRequest, HttpResponse,
    dev::Payload,
    http::header::{HeaderMap, LOCATION, USER_AGENT},
    web::Data,
};

use super::{
    super::{
        PageState,
        error::PageError,
        page_link,
        view::{assets, notice::Notice, paths::Href},
    },
    access_cookie,
    guard::Present,
    session::CookieSession,
};
use crate::{
    http::forwarded::{RequestOrigin, origin},
    port::{AuthManager, Caller, Channel, Grant, SessionToken, SignInOutcome, SignedInUser},
};

/// Longest `User-Agent` that is handed on, in bytes.
const USER_AGENT_MAX: usize = 512;

/// One request as a page sees it. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Visit(Rc<VisitState>);

struct VisitState {
    request: HttpRequest,
    site: Data<PageState>,
    session: CookieSession,
    signed_in_user: Option<SignedInUser>,
    csrf: OnceCell<String>,
    notice: OnceCell<Option<Notice>>,
}

impl Visit {
    /// The visit behind a request; the guard in front of the page has looked up the signed-in user.
    pub(crate) fn of(request: &HttpRequest) -> Option<Self> {
        let site = request.app_data::<Data<PageState>>()?.clone();
        let signed_in_user =
            request.extensions().get::<Present>().and_then(|present| present.0.clone());
        Some(Self(Rc::new(VisitState {
            request: request.clone(),
            site,
            session: CookieSession::of(request),
            signed_in_user,
            csrf: OnceCell::new(),
            notice: OnceCell::new(),
        })))
    }

    /// The backend.
    pub(crate) fn auth(&self) -> &dyn AuthManager {
        &*self.0.site.auth
    }

    /// The settings and parts that all pages share.
    pub(crate) fn site(&self) -> &PageState {
        &self.0.site
    }

    /// Session of this browser.
    pub(crate) fn session(&self) -> &CookieSession {
        &self.0.session
    }

    /// The one who asks, for an operation of the port.
    pub(crate) fn caller(&self) -> Caller {
        caller(&self.0.request, &self.0.site, &self.0.session)
    }

    /// One who asks with another session than the cookie's, or none, and is no browser of our
    /// pages.
    pub(crate) fn caller_of(&self, session: Option<SessionToken>) -> Caller {
        let RequestOrigin { address, unlisted } = origin(&self.0.request);
        Caller {
            channel: Channel::Pages,
            address,
            user_agent: user_agent(self.0.request.headers()),
            session,
            browser: None,
            devices: Vec::new(),
            redirect_url: None,
            unlisted,
            is_operator: false,
        }
    }

    /// The signed-in person. Always there on a page that is for signed-in users.
    pub(crate) fn signed_in_user(&self) -> Option<&SignedInUser> {
        self.0.signed_in_user.as_ref()
    }

    /// The signed-in person, on a page whose guard lets signed-in users pass only.
    ///
    /// # Errors
    /// The way to the sign-in page, should the page stand in the route table with another guard.
    pub(crate) fn signed_in(&self) -> Result<&SignedInUser, PageError> {
        self.signed_in_user().ok_or(PageError::SessionEnded)
    }

    /// The request itself, for what only one page needs: its query, a header.
    pub(crate) fn request(&self) -> &HttpRequest {
        &self.0.request
    }

    /// The token that every form on the page carries in its field `csrf`.
    pub(crate) fn csrf(&self) -> &str {
        self.0.csrf.get_or_init(|| self.0.session.csrf(&*self.0.site.random))
    }

    /// The field in which a form carries the link that its page shows.
    pub(crate) fn sealed_link(&self) -> String {
        page_link::sealed(self)
    }

    /// Notice of the last action. Reading it removes it: it is shown once.
    pub(crate) fn notice(&self) -> Option<Notice> {
        *self.0.notice.get_or_init(|| self.0.session.take_notice())
    }

    /// The address of a page of ours.
    pub(crate) fn href<'a>(&'a self, path: &'a str) -> Href<'a> {
        self.0.site.paths.href(path)
    }

    /// The address of the stylesheet.
    pub(crate) fn stylesheet(&self) -> Href<'_> {
        self.href(assets::stylesheet())
    }

    /// The address of the icon.
    pub(crate) fn icon(&self) -> Href<'_> {
        self.href(assets::icon())
    }

    /// The name that the server goes by.
    pub(crate) fn product_name(&self) -> &str {
        &self.0.site.product_name
    }

    /// Hint on new passwords, shown with the input.
    pub(crate) fn password_hint(&self) -> String {
        format!(
            "At least {} characters. A few words in a row are good.",
            self.auth().capabilities().password_min
        )
    }

    /// The page that was asked for, without the prefix, as the route table spells it.
    pub(crate) fn path(&self) -> &str {
        let path = self.0.request.path();
        path.strip_prefix(self.0.site.paths.prefix()).unwrap_or(path)
    }

    /// Goes to a page of ours: 303, so that the browser asks with GET (S52).
    pub(crate) fn go(&self, path: &str) -> HttpResponse {
        see_other(&self.href(path).to_string())
    }

    /// Goes to a page of ours and says something there.
    pub(crate) fn go_saying(&self, path: &str, notice: Notice) -> HttpResponse {
        self.0.session.leave_notice(notice);
        self.go(path)
    }

    /// After a first factor that was right: in, or on to the second one.
    pub(crate) fn enter(
        &self,
        sign_in_outcome: &SignInOutcome,
        notice: Option<Notice>,
    ) -> Result<HttpResponse, PageError> {
        match sign_in_outcome {
            SignInOutcome::SignedIn(grant) => self.begin(grant, notice),
            SignInOutcome::SecondFactorRequired(challenge) => {
                self.session().wait_for_code(challenge, notice);
                Ok(self.go("/sign-in/two-factor"))
            }
        }
    }

    /// Takes the access cookie for other sites from the browser, when somebody comes or leaves.
    pub(crate) fn forget_access_cookie(
        &self,
        response: &mut HttpResponse,
    ) -> Result<(), PageError> {
        match access_cookie::forgotten(self.site(), self.request()) {
            Some(cookie) => response.add_cookie(&cookie).map_err(PageError::broken),
            None => Ok(()),
        }
    }

    /// Begins a session: the cookie is renewed, and one comes to the page that was asked for
    /// before.
    pub(crate) fn begin(
        &self,
        grant: &Grant,
        notice: Option<Notice>,
    ) -> Result<HttpResponse, PageError> {
        let token: &SessionToken =
            grant.session.token.as_ref().ok_or_else(|| {
                PageError::broken("the backend granted a session without a token")
            })?;
        let return_to = self.0.session.begin(token);
        if let Some(access_cookie) = &grant.device {
            self.0.session.keep_device(access_cookie);
        }
        if let Some(notice) = notice {
            self.0.session.leave_notice(notice);
        }
        let mut response = match return_to {
            _ if self.0.session.offer().is_some() => self.go("/profile/connections/offer"),
            Some(address) => see_other(&address),
            None => self.go("/profile"),
        };
        self.forget_access_cookie(&mut response)?;
        Ok(response)
    }
}

impl FromRequest for Visit {
    type Error = PageError;
    type Future = Ready<Result<Self, PageError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(
            Self::of(request)
                .ok_or_else(|| PageError::broken("the pages were asked outside their own scope")),
        )
    }
}

/// The one who asks, as every operation wants to know them.
pub(crate) fn caller(request: &HttpRequest, site: &PageState, session: &CookieSession) -> Caller {
    let RequestOrigin { address, unlisted } = origin(request);
    Caller {
        channel: Channel::Pages,
        address,
        user_agent: user_agent(request.headers()),
        session: session.token(),
        browser: session.browser(&*site.random),
        devices: session.devices(),
        redirect_url: None,
        unlisted,
        is_operator: false,
    }
}

/// A redirect after an action.
pub(crate) fn see_other(address: &str) -> HttpResponse {
    HttpResponse::SeeOther().insert_header((LOCATION, address)).finish()
}

/// The header in a form that can be kept and shown: printable, and of a bounded length.
fn user_agent(headers: &HeaderMap) -> String {
    let Some(agent) = headers.get(USER_AGENT) else { return String::new() };
    let mut text: String = String::from_utf8_lossy(agent.as_bytes())
        .chars()
        .filter(|sign| !sign.is_control())
        .collect();
    text.truncate(text.floor_char_boundary(USER_AGENT_MAX));
    text
}

#[cfg(test)]
mod tests {
    use actix_web::{http::header::HeaderValue, test::TestRequest};

    use super::*;

    #[test]
    fn a_user_agent_is_cut_between_letters_and_cannot_forge_a_line() {
        let agent = |bytes: &[u8]| {
            let value = HeaderValue::from_bytes(bytes).unwrap();
            user_agent(
                TestRequest::get().insert_header((USER_AGENT, value)).to_http_request().headers(),
            )
        };
        assert_eq!(agent(b"a\tb\xff"), "ab\u{fffd}");
        assert!(agent("é".repeat(400).as_bytes()).len() <= USER_AGENT_MAX);
        assert_eq!(user_agent(TestRequest::get().to_http_request().headers()), "");
    }
}
