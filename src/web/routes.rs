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
    Site, assets,
    error::PageError,
    forward_auth,
    guard::{
        Guard::{self, Anyone, Guests, Members},
        recognise, stand,
    },
    pages::{
        auth_redirect, authenticator, back_channel_logout, change_password, check_inbox, choose_password,
        choose_password_phone, dev_inbox, home, magic_link, mail_code, not_me, profile, profile_connections,
        profile_email, profile_email_confirm, profile_name, profile_password, profile_phone, profile_phone_confirm,
        profile_picture, profile_sessions, profile_two_factor, provider, recovery_code, reset_password,
        reset_password_phone, second_step, sign_in, sign_in_code, sign_in_code_enter, sign_in_phone, sign_out, sign_up,
        sign_up_phone, signed_out, two_factor, verify_phone,
    },
    visit::Visit,
};

fn table() -> Vec<Place> {
    vec![
        at("/", Guests).get(home::show),
        at("/sign-up", Guests).get(sign_up::show).post(sign_up::submit),
        at("/sign-up/phone", Guests).get(sign_up_phone::show).post(sign_up_phone::submit),
        at("/verify-phone", Guests).get(verify_phone::show).post(verify_phone::submit),
        at("/verify-phone/resend", Guests).get(verify_phone::show).post(verify_phone::resend),
        at("/check-inbox", Anyone).get(check_inbox::show),
        at("/check-inbox/code", Anyone).get(check_inbox::show).post(mail_code::submit),
        at("/check-inbox/resend", Anyone).get(check_inbox::show).post(check_inbox::resend),
        at("/check-inbox/correct", Anyone).get(check_inbox::show).post(check_inbox::correct),
        at("/sign-in", Guests).get(sign_in::show).post(sign_in::submit),
        at("/sign-in/phone", Guests).get(sign_in_phone::show).post(sign_in_phone::submit),
        at("/sign-in/code", Guests).get(sign_in_code::show).post(sign_in_code::submit),
        at("/sign-in/code/enter", Guests).get(sign_in_code_enter::show).post(sign_in_code_enter::submit),
        at("/sign-in/code/resend", Guests).get(sign_in_code_enter::show).post(sign_in_code_enter::resend),
        at("/sign-in/two-factor", Guests).get(two_factor::show).post(two_factor::submit),
        at("/sign-in/two-factor/resend", Guests).get(two_factor::show).post(two_factor::resend),
        at("/sign-in/two-factor/leave", Guests).get(two_factor::show).post(two_factor::leave),
        at("/sign-in/two-factor/recovery", Guests).get(recovery_code::show).post(recovery_code::submit),
        at("/magic-link", Guests).get(magic_link::show).post(magic_link::submit),
        at("/auth-redirect", Anyone).get(auth_redirect::show),
        at("/auth-redirect/finish", Anyone).get(auth_redirect::show).post(auth_redirect::submit),
        at("/reset-password", Anyone).get(reset_password::show).post(reset_password::submit),
        at("/reset-password/choose", Anyone).get(choose_password::show).post(choose_password::submit),
        at("/reset-password/phone", Anyone).get(reset_password_phone::show).post(reset_password_phone::submit),
        at("/reset-password/phone/choose", Anyone).get(choose_password_phone::show).post(choose_password_phone::submit),
        at("/reset-password/phone/resend", Anyone).get(choose_password_phone::show).post(choose_password_phone::resend),
        at("/not-me", Anyone).get(not_me::show),
        at("/not-me/confirm", Anyone).get(not_me::show).post(not_me::submit),
        at("/sign-out", Anyone).get(sign_out::show).post(sign_out::submit),
        at("/signed-out", Guests).get(signed_out::show).post(signed_out::submit),
        at("/signed-out/provider", Guests).get(signed_out::go_on),
        at("/profile", Members).get(profile::show),
        at("/profile/name", Members).get(profile_name::show).post(profile_name::submit),
        at("/profile/picture", Members).get(profile_picture::show).post(profile_picture::submit),
        at("/profile/picture/remove", Members).get(profile_picture::show).post(profile_picture::remove),
        at("/profile/password", Members).get(profile_password::show).post(profile_password::submit),
        at("/profile/email", Members).get(profile_email::show).post(profile_email::submit),
        at("/profile/email/code", Members).get(profile_email::show).post(profile_email::submit_code),
        at("/profile/email/undo", Anyone).get(not_me::show),
        at("/profile/email/confirm", Anyone).get(profile_email_confirm::show),
        at("/profile/email/confirm/finish", Anyone)
            .get(profile_email_confirm::show)
            .post(profile_email_confirm::submit),
        at("/profile/phone", Members).get(profile_phone::show).post(profile_phone::submit),
        at("/profile/phone/confirm", Members).get(profile_phone_confirm::show).post(profile_phone_confirm::submit),
        at("/profile/connections", Members).get(profile_connections::show),
        at("/profile/connections/connect", Members).get(profile_connections::show).post(profile_connections::connect),
        at("/profile/connections/disconnect", Members)
            .get(profile_connections::show)
            .post(profile_connections::disconnect),
        at("/profile/connections/offer", Members).get(profile_connections::offer).post(profile_connections::accept),
        at("/profile/connections/decline", Members).get(profile_connections::show).post(profile_connections::decline),
        at("/profile/sessions", Members).get(profile_sessions::show),
        at("/profile/sessions/end", Members).get(profile_sessions::show).post(profile_sessions::end_one),
        at("/profile/sessions/end-others", Members).get(profile_sessions::show).post(profile_sessions::end_others),
        at("/profile/two-factor", Members).get(profile_two_factor::show),
        at("/profile/two-factor/text/on", Members).get(profile_two_factor::show).post(profile_two_factor::text_on),
        at("/profile/two-factor/text/off", Members).get(profile_two_factor::show).post(profile_two_factor::text_off),
        at("/profile/two-factor/authenticator", Members)
            .get(authenticator::show)
            .post(profile_two_factor::begin_authenticator),
        at("/profile/two-factor/authenticator/confirm", Members).get(authenticator::show).post(authenticator::submit),
        at("/profile/two-factor/authenticator/remove", Members)
            .get(profile_two_factor::show)
            .post(profile_two_factor::remove_authenticator),
        at("/profile/two-factor/recovery-codes", Members)
            .get(profile_two_factor::show)
            .post(profile_two_factor::new_recovery_codes),
        at("/profile/two-factor/browsers/untrust", Members)
            .get(profile_two_factor::show)
            .post(profile_two_factor::untrust),
        at("/forward-auth", Anyone).get(forward_auth::answer),
        at("/forward-auth/envoy{page:/.*}", Anyone).any(forward_auth::answer),
        at(forward_auth::ENTER, Members).get(forward_auth::enter),
        at(second_step::PATH, Members).get(second_step::show).post(second_step::submit),
        at("/forward-auth/second-step/send", Members).get(second_step::show).post(second_step::send),
        at("/_auth/{provider}", Anyone).get(provider::show).post(provider::submit),
        at("/_auth/{provider}/callback", Anyone).get(provider::callback).post(provider::callback_posted),
        at("/_auth/{provider}/signed-out", Anyone).get(signed_out::come_back),
        at("/_auth/{provider}/back-channel-logout", Anyone).only_post(back_channel_logout::submit),
        // The environment in the path, as applications of the shared clusters have it (ALTOGIC_WIRE.md §11).
        at("/_auth/{environment}/{provider}", Anyone).get(provider::show),
        at("/e:{environment}/_auth/{provider}", Anyone).get(provider::show),
        at("/.well-known/change-password", Anyone).get(change_password::show),
    ]
}

/// The page names of the original example applications (DESIGN.md §3), and what they are called here.
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
pub(crate) fn mount(mut scope: Scope, site: &Data<Site>) -> Scope {
    for place in table() {
        scope = place.mount(scope);
    }
    if site.dev_inbox.is_some() {
        scope = at("/dev/inbox", Anyone).get(dev_inbox::show).mount(scope);
    }
    for (old, new) in MOVED {
        scope = at(old, Anyone).get(move |visit: Visit| async move { moved(&visit, new) }).mount(scope);
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
struct Place {
    guard: Guard,
    resource: Resource,
    methods: &'static str,
}

fn at(path: &'static str, guard: Guard) -> Place {
    Place { guard, resource: web::resource(path), methods: "GET, HEAD" }
}

impl Place {
    /// What answers a GET, and a HEAD with the same headers.
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

    /// What answers the page's form.
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

    /// What answers a POST where there is no page.
    fn only_post<F, Args>(self, handler: F) -> Self
    where
        F: Handler<Args>,
        Args: FromRequest + 'static,
        F::Output: Responder<Body: MessageBody> + 'static,
    {
        Self { methods: "POST", ..self.post(handler) }
    }

    /// What answers every method alike: a question about a request, asked with its method.
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
        let refuse = move || async move { Err::<HttpResponse, _>(PageError::MethodNotAllowed(methods)) };
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
