//! THE route table: path, who may come, what answers.

use actix_web::{
    FromRequest, Handler, HttpRequest, HttpResponse, Resource, Responder, Scope,
    body::MessageBody,
    guard,
    http::header::LOCATION,
    middleware::from_fn,
    web::{self, Data},
};

use super::{
    PageState,
    error::PageError,
    forward_auth,
    pages::{
        account::{
            account_recovery, change_password, profile, profile_connections, profile_email,
            profile_email_confirm, profile_name, profile_password, profile_phone,
            profile_phone_confirm, profile_picture, profile_sessions, profile_two_factor,
        },
        auth_redirect, dev_inbox, home,
        sign_in::{
            self, authenticator, choose_password, choose_password_phone, email_code, magic_link,
            provider, recovery_code, reset_password, reset_password_phone, second_factor,
            sign_in_code, sign_in_code_enter, sign_in_phone, two_factor,
        },
        sign_out::{self, back_channel_logout, signed_out},
        sign_up::{self, check_inbox, sign_up_phone, verify_phone},
    },
    request::{
        guard::{
            Guard::{self, Anyone, SignedIn, Visitors},
            recognise, stand,
        },
        visit::Visit,
    },
    view::assets,
};

fn table() -> Vec<RouteRow> {
    vec![
        at("/", Visitors).get(home::show),
        at("/sign-up", Visitors).get(sign_up::show).post(sign_up::submit),
        at("/sign-up/phone", Visitors).get(sign_up_phone::show).post(sign_up_phone::submit),
        at("/verify-phone", Visitors).get(verify_phone::show).post(verify_phone::submit),
        at("/verify-phone/resend", Visitors).get(verify_phone::show).post(verify_phone::resend),
        at("/check-inbox", Anyone).get(check_inbox::show),
        at("/check-inbox/code", Anyone).get(check_inbox::show).post(email_code::submit),
        at("/check-inbox/resend", Anyone).get(check_inbox::show).post(check_inbox::resend),
        at("/check-inbox/correct", Anyone).get(check_inbox::show).post(check_inbox::correct),
        at("/sign-in", Visitors).get(sign_in::show).post(sign_in::submit),
        at("/sign-in/phone", Visitors).get(sign_in_phone::show).post(sign_in_phone::submit),
        at("/sign-in/code", Visitors).get(sign_in_code::show).post(sign_in_code::submit),
        at("/sign-in/code/enter", Visitors)
            .get(sign_in_code_enter::show)
            .post(sign_in_code_enter::submit),
        at("/sign-in/code/resend", Visitors)
            .get(sign_in_code_enter::show)
            .post(sign_in_code_enter::resend),
        at("/sign-in/two-factor", Visitors).get(two_factor::show).post(two_factor::submit),
        at("/sign-in/two-factor/resend", Visitors).get(two_factor::show).post(two_factor::resend),
        at("/sign-in/two-factor/leave", Visitors).get(two_factor::show).post(two_factor::leave),
        at("/sign-in/two-factor/recovery", Visitors)
            .get(recovery_code::show)
            .post(recovery_code::submit),
        at("/magic-link", Visitors).get(magic_link::show).post(magic_link::submit),
        at("/auth-redirect", Anyone).get(auth_redirect::show),
        at("/auth-redirect/finish", Anyone).get(auth_redirect::show).post(auth_redirect::submit),
        at("/reset-password", Anyone).get(reset_password::show).post(reset_password::submit),
        at("/reset-password/choose", Anyone)
            .get(choose_password::show)
            .post(choose_password::submit),
        at("/reset-password/phone", Anyone)
            .get(reset_password_phone::show)
            .post(reset_password_phone::submit),
        at("/reset-password/phone/choose", Anyone)
            .get(choose_password_phone::show)
            .post(choose_password_phone::submit),
        at("/reset-password/phone/resend", Anyone)
            .get(choose_password_phone::show)
            .post(choose_password_phone::resend),
        at("/not-me", Anyone).get(account_recovery::show),
        at("/not-me/confirm", Anyone).get(account_recovery::show).post(account_recovery::submit),
        at("/sign-out", Anyone).get(sign_out::show).post(sign_out::submit),
        at("/signed-out", Visitors).get(signed_out::show).post(signed_out::submit),
        at("/signed-out/provider", Visitors).get(signed_out::go_on),
        at("/profile", SignedIn).get(profile::show),
        at("/profile/name", SignedIn).get(profile_name::show).post(profile_name::submit),
        at("/profile/picture", SignedIn).get(profile_picture::show).post(profile_picture::submit),
        at("/profile/picture/remove", SignedIn)
            .get(profile_picture::show)
            .post(profile_picture::remove),
        at("/profile/password", SignedIn)
            .get(profile_password::show)
            .post(profile_password::submit),
        at("/profile/email", SignedIn).get(profile_email::show).post(profile_email::submit),
        at("/profile/email/code", SignedIn)
            .get(profile_email::show)
            .post(profile_email::submit_code),
        at("/profile/email/undo", Anyone).get(account_recovery::show),
        at("/profile/email/confirm", Anyone).get(profile_email_confirm::show),
        at("/profile/email/confirm/finish", Anyone)
            .get(profile_email_confirm::show)
            .post(profile_email_confirm::submit),
        at("/profile/phone", SignedIn).get(profile_phone::show).post(profile_phone::submit),
        at("/profile/phone/confirm", SignedIn)
            .get(profile_phone_confirm::show)
            .post(profile_phone_confirm::submit),
        at("/profile/connections", SignedIn).get(profile_connections::show),
        at("/profile/connections/connect", SignedIn)
            .get(profile_connections::show)
            .post(profile_connections::connect),
        at("/profile/connections/disconnect", SignedIn)
            .get(profile_connections::show)
            .post(profile_connections::disconnect),
        at("/profile/connections/offer", SignedIn)
            .get(profile_connections::offer)
            .post(profile_connections::accept),
        at("/profile/connections/decline", SignedIn)
            .get(profile_connections::show)
            .post(profile_connections::decline),
        at("/profile/sessions", SignedIn).get(profile_sessions::show),
        at("/profile/sessions/end", SignedIn)
            .get(profile_sessions::show)
            .post(profile_sessions::end_one),
        at("/profile/sessions/end-others", SignedIn)
            .get(profile_sessions::show)
            .post(profile_sessions::end_others),
        at("/profile/two-factor", SignedIn).get(profile_two_factor::show),
        at("/profile/two-factor/text/on", SignedIn)
            .get(profile_two_factor::show)
            .post(profile_two_factor::sms_on),
        at("/profile/two-factor/text/off", SignedIn)
            .get(profile_two_factor::show)
            .post(profile_two_factor::sms_off),
        at("/profile/two-factor/authenticator", SignedIn)
            .get(authenticator::show)
            .post(profile_two_factor::begin_authenticator),
        at("/profile/two-factor/authenticator/confirm", SignedIn)
            .get(authenticator::show)
            .post(authenticator::submit),
        at("/profile/two-factor/authenticator/remove", SignedIn)
            .get(profile_two_factor::show)
            .post(profile_two_factor::remove_authenticator),
        at("/profile/two-factor/recovery-codes", SignedIn)
            .get(profile_two_factor::show)
            .post(profile_two_factor::new_recovery_codes),
        at("/profile/two-factor/browsers/untrust", SignedIn)
            .get(profile_two_factor::show)
            .post(profile_two_factor::untrust),
        at("/forward-auth", Anyone).get(forward_auth::answer),
        at("/forward-auth/envoy{page:/.*}", Anyone).any(forward_auth::answer),
        at(forward_auth::ENTER, SignedIn).get(forward_auth::enter),
        at(second_factor::PATH, SignedIn).get(second_factor::show).post(second_factor::submit),
        at("/forward-auth/second-step/send", SignedIn)
            .get(second_factor::show)
            .post(second_factor::send),
        at("/_auth/{provider}", Anyone).get(provider::show).post(provider::submit),
        at("/_auth/{provider}/callback", Anyone)
            .get(provider::callback)
            .post(provider::callback_posted),
        at("/_auth/{provider}/signed-out", Anyone).get(signed_out::come_back),
        at("/_auth/{provider}/back-channel-logout", Anyone).only_post(back_channel_logout::submit),
        // The environment in the path, as applications of the shared clusters have it
        // (altogic-protocol.md §11).
        at("/_auth/{environment}/{provider}", Anyone).get(provider::show),
        at("/e:{environment}/_auth/{provider}", Anyone).get(provider::show),
        at("/.well-known/change-password", Anyone).get(change_password::show),
    ]
}

/// The page names of the original example applications, and what they are called here.
pub(super) const MOVED: &[(&str, &str)] = &[
    ("/login", "/sign-in"),
    ("/signin", "/sign-in"),
    ("/auth/sign-in", "/sign-in"),
    ("/register", "/sign-up"),
    ("/signup", "/sign-up"),
    ("/auth/sign-up", "/sign-up"),
    ("/login-with-magic-link", "/magic-link"),
    ("/auth/send-magic-link", "/magic-link"),
    ("/auth/forgot-password", "/reset-password"),
    ("/auth/verification-sent", "/check-inbox"),
    ("/auth/sign-in-redirect", "/profile"),
    ("/auth/sign-out", "/sign-out"),
    ("/verification", "/verify-phone"),
    ("/phone_not_verified", "/verify-phone"),
    ("/resetPassword", "/reset-password/phone"),
    ("/resetPassword/code", "/reset-password/phone/choose"),
    ("/changePhoneNumber", "/profile/phone"),
    ("/change-phone-verification", "/profile/phone/confirm"),
    ("/sign-in-verification", "/sign-in/two-factor"),
    ("/sessions", "/profile/sessions"),
];

/// Mounts the table, the names that moved, and the page for everything else.
pub(crate) fn mount(mut scope: Scope, site: &Data<PageState>) -> Scope {
    for route in table() {
        scope = route.mount(scope);
    }
    if site.dev_inbox.is_some() {
        scope = at("/dev/inbox", Anyone).get(dev_inbox::show).mount(scope);
    }
    for (old, new) in MOVED {
        scope =
            at(old, Anyone).get(move |visit: Visit| async move { moved(&visit, new) }).mount(scope);
    }
    for path in assets::paths() {
        let reading = guard::Any(guard::Get()).or(guard::Head());
        scope = scope.route(path, web::route().guard(reading).to(assets::show));
    }
    if !site.paths.prefix().is_empty() {
        scope = scope.service(web::resource("").to(bare_prefix));
    }
    scope.default_service(web::to(no_such_page))
}

/// One line of the table.
struct RouteRow {
    guard: Guard,
    resource: Resource,
    methods: &'static str,
}

fn at(path: &'static str, guard: Guard) -> RouteRow {
    RouteRow { guard, resource: web::resource(path), methods: "GET, HEAD" }
}

impl RouteRow {
    /// Sets the handler of GET, and of HEAD with the same headers.
    fn get<F, Args>(mut self, handler: F) -> Self
    where
        F: Handler<Args>,
        Args: FromRequest + 'static,
        F::Output: Responder<Body: MessageBody> + 'static,
    {
        let reading = guard::Any(guard::Get()).or(guard::Head());
        self.resource = self.resource.route(web::route().guard(reading).to(handler));
        self
    }

    /// Sets the handler of the page's form.
    fn post<F, Args>(mut self, handler: F) -> Self
    where
        F: Handler<Args>,
        Args: FromRequest + 'static,
        F::Output: Responder<Body: MessageBody> + 'static,
    {
        self.resource = self.resource.route(web::post().to(handler));
        self.methods = "GET, HEAD, POST";
        self
    }

    /// Sets the handler of a POST without a page.
    fn only_post<F, Args>(self, handler: F) -> Self
    where
        F: Handler<Args>,
        Args: FromRequest + 'static,
        F::Output: Responder<Body: MessageBody> + 'static,
    {
        Self { methods: "POST", ..self.post(handler) }
    }

    /// Sets one handler for every method: a question about a request, asked with its method.
    fn any<F, Args>(mut self, handler: F) -> Self
    where
        F: Handler<Args>,
        Args: FromRequest + 'static,
        F::Output: Responder<Body: MessageBody> + 'static,
    {
        self.resource = self.resource.route(web::route().to(handler));
        self
    }

    /// Puts the page behind its guard. Every other method is refused with the list of those it has.
    fn mount(self, scope: Scope) -> Scope {
        let (guard, methods) = (self.guard, self.methods);
        let refuse =
            move || async move { Err::<HttpResponse, _>(PageError::MethodNotAllowed(methods)) };
        let layer = from_fn(move |request, next| stand(guard, request, next));
        scope.service(self.resource.default_service(web::to(refuse)).wrap(layer))
    }
}

/// Leads a former name to the page, with the query it came with.
fn moved(visit: &Visit, path: &str) -> HttpResponse {
    let mut address = visit.href(path).to_string();
    if let Some(query) = visit.request().uri().query() {
        address.push('?');
        address.push_str(query);
    }
    HttpResponse::MovedPermanently().insert_header((LOCATION, address)).finish()
}

/// `/hall` is `/hall/`.
async fn bare_prefix(visit: Visit) -> HttpResponse {
    moved(&visit, "/")
}

async fn no_such_page(request: HttpRequest) -> Result<HttpResponse, PageError> {
    recognise(&request).await;
    Err(PageError::NotFound)
}
