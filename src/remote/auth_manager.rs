//! The port, answered by calls of the protocol (altogic-protocol.md §3, §8): a few lines an
//! operation.

use std::future::{Future, ready};

use serde_json::json;

use super::{Remote, operations, pictures, wire::Ask};
use crate::{
    port::{
        AccessToken, AccountRecovery, Answer, AuthManager, AuthenticatorKey, Caller, Capabilities,
        Challenge, ChallengeToken, Code, ConnectedProvider, Connections, EmailedFor, Failure,
        Field, FieldUpdate, Grant, LinkAccount, LinkKey, LogoutByProvider, LogoutToken, Outcome,
        Password, Phone, PhoneVerified, Proof, ProofMethods, ProviderAnswer, ProviderFor,
        ProviderLogoutOffer, ProviderLogoutToken, ProviderReturn, Reauthenticated, RecoveryCodes,
        Refusal, SecondFactorOf, SecondFactors, Session, SignInOutcome, SignUpWithEmail,
        SignUpWithPhone, SignedInUser, SignedUp, User,
    },
    protocol::{paths, refusals::RequestContext},
};

impl AuthManager for Remote {
    fn capabilities(&self) -> &Capabilities {
        &self.0.capabilities
    }

    fn signed_in_user(&self, caller: Caller) -> Answer<SignedInUser> {
        let remote = self.clone();
        Box::pin(async move { remote.current(&caller).await })
    }

    fn sign_up_with_email(&self, caller: Caller, of: SignUpWithEmail) -> Answer<SignedUp> {
        let mut body = json!({ "email": of.email, "password": of.password.expose() });
        Self::add_user_data(&mut body, of.name, of.fields);
        let ask = Ask::post(paths::SIGN_UP_EMAIL, RequestContext::SignUp).json(body);
        self.finish(|remote| async move { remote.sign_up(&caller, ask).await })
    }

    fn correct_sign_up_email(&self, _: Caller, _: String, _: String) -> Answer<()> {
        refused(Code::NothingToCorrect)
    }

    fn resend_verification_email(&self, caller: Caller, email: String) -> Answer<()> {
        self.send(caller, Ask::post(paths::RESEND, RequestContext::Send).query("email", &email))
    }

    fn sign_in_with_email(
        &self,
        caller: Caller,
        email: String,
        password: Password,
    ) -> Answer<SignInOutcome> {
        let body = json!({ "email": email, "password": password.expose() });
        self.enter(caller, Ask::post(paths::SIGN_IN_EMAIL, RequestContext::SignIn).json(body))
    }

    fn get_auth_grant(&self, caller: Caller, token: AccessToken) -> Answer<SignInOutcome> {
        self.enter(
            caller,
            Ask::get(paths::GRANT, RequestContext::AccessToken).query("key", token.expose()),
        )
    }

    fn finish_where_begun(&self, _: Caller, _: AccessToken) -> Answer<Option<SignInOutcome>> {
        Box::pin(ready(Ok(None)))
    }

    fn read_phone(&self, _: Caller, entered: String, country: String) -> Answer<Phone> {
        self.finish(|remote| async move {
            let phone =
                remote.0.phone_pool.run(move || Phone::parse_in(&entered, &country)).await?;
            phone.map_err(|code| Refusal::at(Field::Phone, code).into())
        })
    }

    fn sign_up_with_phone(&self, caller: Caller, of: SignUpWithPhone) -> Answer<SignedUp> {
        let mut body = json!({ "phone": of.phone, "password": of.password.expose() });
        Self::add_user_data(&mut body, of.name, of.fields);
        let ask = Ask::post(paths::SIGN_UP_PHONE, RequestContext::SignUp).json(body);
        self.finish(|remote| async move { remote.sign_up(&caller, ask).await })
    }

    fn verify_phone(&self, caller: Caller, phone: String, code: String) -> Answer<PhoneVerified> {
        let ask = Ask::post(paths::VERIFY_PHONE, RequestContext::OneTimeCode)
            .query("code", &code)
            .query("phone", &phone);
        self.finish(|remote| async move { operations::verify_phone(&remote, &caller, ask).await })
    }

    fn resend_verification_code(&self, caller: Caller, phone: String) -> Answer<()> {
        self.send(
            caller,
            Ask::post(paths::RESEND_CODE, RequestContext::Send).query("phone", &phone),
        )
    }

    fn sign_in_with_phone(
        &self,
        caller: Caller,
        phone: String,
        password: Password,
    ) -> Answer<SignInOutcome> {
        let body = json!({ "phone": phone, "password": password.expose() });
        self.enter(caller, Ask::post(paths::SIGN_IN_PHONE, RequestContext::PhoneSignIn).json(body))
    }

    fn send_sign_in_code(&self, caller: Caller, phone: String) -> Answer<()> {
        self.send(caller, Ask::post(paths::SEND_CODE, RequestContext::Send).query("phone", &phone))
    }

    fn sign_in_with_code(
        &self,
        caller: Caller,
        phone: String,
        code: String,
    ) -> Answer<SignInOutcome> {
        self.enter(
            caller,
            Ask::post(paths::SIGN_IN_CODE, RequestContext::OneTimeCode)
                .query("code", &code)
                .query("phone", &phone),
        )
    }

    fn send_reset_password_code(&self, caller: Caller, phone: String) -> Answer<()> {
        self.send(
            caller,
            Ask::post(paths::SEND_RESET_CODE, RequestContext::Send).query("phone", &phone),
        )
    }

    fn reset_password_with_code(
        &self,
        caller: Caller,
        phone: String,
        code: String,
        new: Password,
    ) -> Answer<()> {
        let ask = Ask::post(paths::RESET_PASSWORD_CODE, RequestContext::OneTimeCode)
            .query("phone", &phone)
            .query("code", &code);
        self.done(caller, ask.json(json!({ "newPassword": new.expose() })))
    }

    fn change_phone(
        &self,
        caller: Caller,
        current_password: Option<Password>,
        new_phone: String,
    ) -> Answer<User> {
        let Some(current_password) = current_password else { return refused(Code::ProofNeeded) };
        let body = json!({ "currentPassword": current_password.expose(), "newPhone": new_phone });
        self.finish(|remote| async move { operations::change_phone(&remote, &caller, body).await })
    }

    fn set_phone(&self, caller: Caller, phone: String) -> Answer<()> {
        self.done(
            caller,
            Ask::post_at_root(paths::SET_PHONE, RequestContext::Send).query("phoneNumber", &phone),
        )
    }

    fn verify_own_phone(&self, caller: Caller, phone: String, code: String) -> Answer<User> {
        let body = json!({ "code": code, "phoneNumber": phone });
        let ask =
            Ask::post_at_root(paths::VERIFY_OWN_PHONE, RequestContext::OneTimeCode).json(body);
        self.finish(|remote| async move { remote.user(&caller, ask).await })
    }

    fn sign_in_with_second_factor(
        &self,
        caller: Caller,
        of: SecondFactorOf,
        code: String,
        _trust: bool,
    ) -> Answer<Grant> {
        self.finish(|remote| async move {
            operations::sign_in_with_second_factor(&remote, &caller, &of, &code).await
        })
    }

    fn resend_second_factor(&self, _: Caller, _: ChallengeToken) -> Answer<Challenge> {
        refused(Code::ChallengeGone)
    }

    fn second_factors(&self, caller: Caller) -> Answer<SecondFactors> {
        self.finish(|remote| async move { operations::second_factors(&remote, &caller).await })
    }

    fn switch_sms_factor(&self, caller: Caller, on: bool) -> Answer<Option<RecoveryCodes>> {
        self.finish(
            |remote| async move { operations::switch_sms_factor(&remote, &caller, on).await },
        )
    }

    fn begin_authenticator(&self, _: Caller) -> Answer<()> {
        refused(Code::NotOffered)
    }

    fn waiting_authenticator(&self, _: Caller) -> Answer<Option<AuthenticatorKey>> {
        refused(Code::NotOffered)
    }

    fn confirm_authenticator(&self, _: Caller, _: String) -> Answer<Option<RecoveryCodes>> {
        refused(Code::NotOffered)
    }

    fn remove_authenticator(&self, _: Caller) -> Answer<()> {
        refused(Code::NotOffered)
    }

    fn make_recovery_codes(&self, _: Caller) -> Answer<RecoveryCodes> {
        refused(Code::NotOffered)
    }

    fn untrust_browsers(&self, _: Caller, _: Option<String>) -> Answer<()> {
        refused(Code::NotOffered)
    }

    fn send_magic_link_email(&self, caller: Caller, email: String) -> Answer<()> {
        self.send(caller, Ask::post(paths::SEND_MAGIC, RequestContext::Send).query("email", &email))
    }

    fn send_reset_password_email(&self, caller: Caller, email: String) -> Answer<()> {
        self.send(caller, Ask::post(paths::SEND_RESET, RequestContext::Send).query("email", &email))
    }

    fn reset_password_with_token(
        &self,
        caller: Caller,
        token: AccessToken,
        new: Password,
    ) -> Answer<()> {
        let ask = Ask::post(paths::RESET_PASSWORD, RequestContext::AccessToken)
            .query("key", token.expose());
        self.done(caller, ask.json(json!({ "newPassword": new.expose() })))
    }

    fn proof_methods(&self, _: Caller) -> Answer<ProofMethods> {
        Box::pin(ready(Ok(ProofMethods {
            password: true,
            has_password: true,
            authenticator: false,
            code: None,
        })))
    }

    fn send_proof_code(&self, _: Caller) -> Answer<()> {
        refused(Code::ProofCodeNotOffered)
    }

    fn reauthenticate(&self, _: Caller, proof: Proof) -> Answer<Reauthenticated> {
        match proof {
            Proof::Password(password) => {
                Box::pin(ready(Ok(Reauthenticated::WithTheChange(password))))
            }
            Proof::Code(_) => refused(Code::ProofCodeNotOffered),
        }
    }

    fn change_password(&self, caller: Caller, old: Password, new: Password) -> Answer<Session> {
        self.finish(|remote| async move {
            operations::change_password(&remote, &caller, &old, &new).await
        })
    }

    fn change_email(
        &self,
        caller: Caller,
        current_password: Option<Password>,
        new_email: String,
    ) -> Answer<User> {
        let Some(current_password) = current_password else { return refused(Code::ProofNeeded) };
        let body = json!({ "currentPassword": current_password.expose(), "newEmail": new_email });
        self.finish(|remote| async move { operations::change_email(&remote, &caller, body).await })
    }

    fn confirm_email_change(&self, _: Caller, _: LinkKey) -> Answer<User> {
        refused(Code::InvalidAccessToken)
    }

    fn confirm_email_change_with_code(&self, _: Caller, _: String, _: String) -> Answer<User> {
        refused(Code::InvalidOneTimeCode)
    }

    fn open_email_code(
        &self,
        _: Caller,
        _: EmailedFor,
        _: String,
        _: String,
    ) -> Answer<AccessToken> {
        refused(Code::InvalidOneTimeCode)
    }

    fn begin_provider(&self, _: Caller, _: String, _: ProviderFor) -> Answer<String> {
        refused(Code::NotOffered)
    }

    fn finish_provider(&self, _: Caller, _: String, _: ProviderAnswer) -> Answer<ProviderReturn> {
        refused(Code::NotOffered)
    }

    fn offered_connection(&self, _: Caller, _: String) -> Answer<Option<ConnectedProvider>> {
        refused(Code::NotOffered)
    }

    fn accept_connection(&self, _: Caller, _: String) -> Answer<()> {
        refused(Code::NotOffered)
    }

    fn connections(&self, _: Caller) -> Answer<Connections> {
        refused(Code::NotOffered)
    }

    fn disconnect(&self, _: Caller, _: String) -> Answer<()> {
        refused(Code::NotOffered)
    }

    fn describe_link(&self, _: Caller, _: AccessToken) -> Answer<Option<LinkAccount>> {
        Box::pin(ready(Ok(None)))
    }

    fn choose_link_password(
        &self,
        _: Caller,
        _: AccessToken,
        _: Option<Password>,
    ) -> Answer<Option<String>> {
        Box::pin(ready(Ok(None)))
    }

    fn confirm_email_change_with_password(
        &self,
        _: Caller,
        _: LinkKey,
        _: Password,
    ) -> Answer<User> {
        refused(Code::InvalidAccessToken)
    }

    fn describe_email_change(&self, _: Caller, _: LinkKey) -> Answer<Option<LinkAccount>> {
        Box::pin(ready(Ok(None)))
    }

    fn describe_account_recovery(&self, _: Caller, _: LinkKey) -> Answer<AccountRecovery> {
        refused(Code::InvalidAccessToken)
    }

    fn recover_account(&self, _: Caller, _: LinkKey) -> Answer<AccessToken> {
        refused(Code::InvalidAccessToken)
    }

    fn get_all_sessions(&self, caller: Caller) -> Answer<Vec<Session>> {
        let remote = self.clone();
        Box::pin(async move { remote.all_sessions(&caller).await })
    }

    fn sign_out(&self, caller: Caller, handle: Option<String>) -> Answer<()> {
        self.finish(|remote| async move { operations::sign_out(&remote, &caller, handle).await })
    }

    fn sign_out_with_provider(&self, caller: Caller) -> Answer<Option<ProviderLogoutOffer>> {
        self.finish(|remote| async move {
            operations::sign_out(&remote, &caller, None).await.map(|()| None)
        })
    }

    fn end_provider_session(&self, _: Caller, _: ProviderLogoutToken, _: String) -> Answer<String> {
        refused(Code::NotOffered)
    }

    fn back_channel_logout(
        &self,
        _: Caller,
        _: String,
        _: LogoutToken,
    ) -> Answer<LogoutByProvider> {
        refused(Code::NotOffered)
    }

    fn sign_out_all(&self, caller: Caller) -> Answer<()> {
        self.done(caller, Ask::post(paths::SIGN_OUT_ALL, RequestContext::Session))
    }

    fn sign_out_all_except_current(&self, caller: Caller) -> Answer<()> {
        self.done(caller, Ask::post(paths::SIGN_OUT_ALL_EXCEPT, RequestContext::Session))
    }

    fn update_user(&self, caller: Caller, updates: Vec<FieldUpdate>) -> Answer<User> {
        self.finish(
            |remote| async move { operations::update_user(&remote, &caller, updates).await },
        )
    }

    fn change_picture(&self, caller: Caller, picture: Vec<u8>) -> Answer<User> {
        self.finish(
            |remote| async move { pictures::change_picture(&remote, &caller, picture).await },
        )
    }

    fn remove_picture(&self, caller: Caller) -> Answer<User> {
        self.finish(|remote| async move { pictures::remove_picture(&remote, &caller).await })
    }
}

impl Remote {
    /// Runs an operation as a task of its own: it is finished when the one who asked hangs up.
    fn finish<T, F>(&self, operation: impl FnOnce(Self) -> F) -> Answer<T>
    where
        T: Send + 'static,
        F: Future<Output = Outcome<T>> + Send + 'static,
    {
        let work = operation(self.clone());
        Box::pin(async move {
            match tokio::spawn(work).await {
                Ok(outcome) => outcome,
                Err(broken_off) => Err(Failure::broken(broken_off).into()),
            }
        })
    }

    fn done(&self, caller: Caller, ask: Ask) -> Answer<()> {
        self.finish(|remote| async move { remote.call_without_result(&caller, ask).await })
    }

    fn send(&self, caller: Caller, ask: Ask) -> Answer<()> {
        self.finish(|remote| async move { remote.answer_alike(&caller, ask).await })
    }

    fn enter(&self, caller: Caller, ask: Ask) -> Answer<SignInOutcome> {
        self.finish(|remote| async move { remote.first_factor(&caller, ask).await })
    }
}

fn refused<T: Send + 'static>(code: Code) -> Answer<T> {
    Box::pin(ready(Err(code.into())))
}
