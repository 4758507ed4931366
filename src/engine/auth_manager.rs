//! The port, answered by the embedded backend: each operation is the verb of its name.

use std::future::Future;

use tracing::Instrument as _;

use super::{Engine, flows, shown::Shown, watched::Watch};
use crate::port::{
    AccessToken, Answer, AuthManager, AuthenticatorKey, Caller, Challenge, ChallengeToken, Connection, Connections,
    EndedByProvider, Entrance, Failure, FarewellTicket, FieldUpdate, Grant, LinkKey, LogoutToken, MailedFor, Member,
    NotMe, Offers, Outcome, Password, PhoneVerified, Proof, ProofMethods, Proved, ProviderAnswer, ProviderFarewell,
    ProviderFor, ProviderReturn, RecoveryCodes, SecondFactorOf, SecondFactors, Session, SignUpWithEmail,
    SignUpWithPhone, SignedUp, User,
};

impl AuthManager for Engine {
    fn offers(&self) -> &Offers {
        &self.0.offers
    }

    fn member(&self, caller: Caller) -> Answer<Member> {
        let engine = self.clone();
        Box::pin(async move { Ok(engine.current(&caller).await?.member.shown(&engine.settings().user_fields)) })
    }

    fn sign_up_with_email(&self, caller: Caller, sign_up: SignUpWithEmail) -> Answer<SignedUp> {
        self.watched(Watch::on("sign_up_with_email", &caller), |engine| async move {
            flows::sign_up_with_email(&engine, &caller, sign_up).await
        })
    }

    fn correct_sign_up_email(&self, caller: Caller, old_email: String, new_email: String) -> Answer<()> {
        self.watched(Watch::on("correct_sign_up_email", &caller), |engine| async move {
            flows::correct_sign_up_email(&engine, &caller, &old_email, &new_email).await
        })
    }

    fn resend_verification_email(&self, caller: Caller, email: String) -> Answer<()> {
        self.watched(Watch::on("resend_verification_email", &caller), |engine| async move {
            flows::resend_verification_email(&engine, &caller, &email).await
        })
    }

    fn sign_in_with_email(&self, caller: Caller, email: String, password: Password) -> Answer<Entrance> {
        self.watched(Watch::on("sign_in_with_email", &caller), |engine| async move {
            flows::sign_in_with_email(&engine, &caller, &email, &password).await
        })
    }

    fn get_auth_grant(&self, caller: Caller, token: AccessToken) -> Answer<Entrance> {
        self.watched(Watch::on("get_auth_grant", &caller), |engine| async move {
            flows::get_auth_grant(&engine, &caller, &token).await
        })
    }

    fn finish_where_begun(&self, caller: Caller, token: AccessToken) -> Answer<Option<Entrance>> {
        self.watched(Watch::on("finish_where_begun", &caller), |engine| async move {
            flows::finish_where_begun(&engine, &caller, &token).await
        })
    }

    fn sign_up_with_phone(&self, caller: Caller, sign_up: SignUpWithPhone) -> Answer<SignedUp> {
        self.watched(Watch::on("sign_up_with_phone", &caller), |engine| async move {
            flows::sign_up_with_phone(&engine, &caller, sign_up).await
        })
    }

    fn verify_phone(&self, caller: Caller, phone: String, code: String) -> Answer<PhoneVerified> {
        self.watched(Watch::on("verify_phone", &caller), |engine| async move {
            flows::verify_phone(&engine, &caller, &phone, &code).await
        })
    }

    fn resend_verification_code(&self, caller: Caller, phone: String) -> Answer<()> {
        self.watched(Watch::on("resend_verification_code", &caller), |engine| async move {
            flows::resend_verification_code(&engine, &caller, &phone).await
        })
    }

    fn sign_in_with_phone(&self, caller: Caller, phone: String, password: Password) -> Answer<Entrance> {
        self.watched(Watch::on("sign_in_with_phone", &caller), |engine| async move {
            flows::sign_in_with_phone(&engine, &caller, &phone, &password).await
        })
    }

    fn send_sign_in_code(&self, caller: Caller, phone: String) -> Answer<()> {
        self.watched(Watch::on("send_sign_in_code", &caller), |engine| async move {
            flows::send_sign_in_code(&engine, &caller, &phone).await
        })
    }

    fn sign_in_with_code(&self, caller: Caller, phone: String, code: String) -> Answer<Entrance> {
        self.watched(Watch::on("sign_in_with_code", &caller), |engine| async move {
            flows::sign_in_with_code(&engine, &caller, &phone, &code).await
        })
    }

    fn send_reset_password_code(&self, caller: Caller, phone: String) -> Answer<()> {
        self.watched(Watch::on("send_reset_password_code", &caller), |engine| async move {
            flows::send_reset_password_code(&engine, &caller, &phone).await
        })
    }

    fn reset_password_with_code(
        &self,
        caller: Caller,
        phone: String,
        code: String,
        new_password: Password,
    ) -> Answer<()> {
        self.watched(Watch::on("reset_password_with_code", &caller), |engine| async move {
            flows::reset_password_with_code(&engine, &caller, &phone, &code, &new_password).await
        })
    }

    fn change_phone(&self, caller: Caller, current_password: Option<Password>, new_phone: String) -> Answer<User> {
        self.watched(Watch::on("change_phone", &caller), |engine| async move {
            flows::change_phone(&engine, &caller, current_password.as_ref(), &new_phone).await
        })
    }

    fn set_phone(&self, caller: Caller, phone: String) -> Answer<()> {
        self.watched(Watch::on("set_phone", &caller), |engine| async move {
            flows::set_phone(&engine, &caller, &phone).await
        })
    }

    fn verify_own_phone(&self, caller: Caller, phone: String, code: String) -> Answer<User> {
        self.watched(Watch::on("verify_own_phone", &caller), |engine| async move {
            flows::verify_own_phone(&engine, &caller, &phone, &code).await
        })
    }

    fn sign_in_with_second_factor(
        &self,
        caller: Caller,
        of: SecondFactorOf,
        code: String,
        trust: bool,
    ) -> Answer<Grant> {
        self.watched(Watch::on("sign_in_with_second_factor", &caller), |engine| async move {
            flows::sign_in_with_second_factor(&engine, &caller, of, &code, trust).await
        })
    }

    fn second_factors(&self, caller: Caller) -> Answer<SecondFactors> {
        let engine = self.clone();
        Box::pin(async move { flows::second_factors(&engine, &caller).await })
    }

    fn switch_text_factor(&self, caller: Caller, on: bool) -> Answer<Option<RecoveryCodes>> {
        self.watched(Watch::on("switch_text_factor", &caller), |engine| async move {
            flows::switch_text_factor(&engine, &caller, on).await
        })
    }

    fn begin_authenticator(&self, caller: Caller) -> Answer<()> {
        self.watched(Watch::on("begin_authenticator", &caller), |engine| async move {
            flows::begin_authenticator(&engine, &caller).await
        })
    }

    fn waiting_authenticator(&self, caller: Caller) -> Answer<Option<AuthenticatorKey>> {
        let engine = self.clone();
        Box::pin(async move { flows::waiting_authenticator(&engine, &caller).await })
    }

    fn confirm_authenticator(&self, caller: Caller, code: String) -> Answer<Option<RecoveryCodes>> {
        self.watched(Watch::on("confirm_authenticator", &caller), |engine| async move {
            flows::confirm_authenticator(&engine, &caller, &code).await
        })
    }

    fn remove_authenticator(&self, caller: Caller) -> Answer<()> {
        self.watched(Watch::on("remove_authenticator", &caller), |engine| async move {
            flows::remove_authenticator(&engine, &caller).await
        })
    }

    fn make_recovery_codes(&self, caller: Caller) -> Answer<RecoveryCodes> {
        self.watched(Watch::on("make_recovery_codes", &caller), |engine| async move {
            flows::make_recovery_codes(&engine, &caller).await
        })
    }

    fn untrust_browsers(&self, caller: Caller, handle: Option<String>) -> Answer<()> {
        self.watched(Watch::on("untrust_browsers", &caller), |engine| async move {
            flows::untrust_browsers(&engine, &caller, handle.as_deref()).await
        })
    }

    fn resend_second_factor(&self, caller: Caller, challenge: ChallengeToken) -> Answer<Challenge> {
        self.watched(Watch::on("resend_second_factor", &caller), |engine| async move {
            flows::resend_second_factor(&engine, &caller, &challenge).await
        })
    }

    fn send_magic_link_email(&self, caller: Caller, email: String) -> Answer<()> {
        self.watched(Watch::on("send_magic_link_email", &caller), |engine| async move {
            flows::send_magic_link_email(&engine, &caller, &email).await
        })
    }

    fn send_reset_password_email(&self, caller: Caller, email: String) -> Answer<()> {
        self.watched(Watch::on("send_reset_password_email", &caller), |engine| async move {
            flows::send_reset_password_email(&engine, &caller, &email).await
        })
    }

    fn reset_password_with_token(&self, caller: Caller, token: AccessToken, new_password: Password) -> Answer<()> {
        self.watched(Watch::on("reset_password_with_token", &caller), |engine| async move {
            flows::reset_password_with_token(&engine, &caller, &token, &new_password).await
        })
    }

    fn proof_methods(&self, caller: Caller) -> Answer<ProofMethods> {
        let engine = self.clone();
        Box::pin(async move { flows::proof_methods(&engine, &caller).await })
    }

    fn send_proof_code(&self, caller: Caller) -> Answer<()> {
        self.watched(Watch::on("send_proof_code", &caller), |engine| async move {
            flows::send_proof_code(&engine, &caller).await
        })
    }

    fn prove(&self, caller: Caller, proof: Proof) -> Answer<Proved> {
        let session = self
            .watched(Watch::on("prove", &caller), |engine| async move { flows::prove(&engine, &caller, proof).await });
        Box::pin(async move { session.await.map(Proved::Session) })
    }

    fn change_password(&self, caller: Caller, old_password: Password, new_password: Password) -> Answer<Session> {
        self.watched(Watch::on("change_password", &caller), |engine| async move {
            flows::change_password(&engine, &caller, &old_password, &new_password).await
        })
    }

    fn change_email(&self, caller: Caller, current_password: Option<Password>, new_email: String) -> Answer<User> {
        self.watched(Watch::on("change_email", &caller), |engine| async move {
            flows::change_email(&engine, &caller, current_password.as_ref(), &new_email).await
        })
    }

    fn confirm_email_change(&self, caller: Caller, key: LinkKey) -> Answer<User> {
        self.watched(Watch::on("confirm_email_change", &caller), |engine| async move {
            flows::confirm_email_change(&engine, &caller, &key).await
        })
    }

    fn confirm_email_change_with_code(&self, caller: Caller, new_email: String, code: String) -> Answer<User> {
        self.watched(Watch::on("confirm_email_change_with_code", &caller), |engine| async move {
            flows::confirm_email_change_with_code(&engine, &caller, &new_email, &code).await
        })
    }

    fn open_mail_code(
        &self,
        caller: Caller,
        mailed_for: MailedFor,
        email: String,
        code: String,
    ) -> Answer<AccessToken> {
        self.watched(Watch::on("open_mail_code", &caller), |engine| async move {
            flows::open_mail_code(&engine, &caller, mailed_for, &email, &code).await
        })
    }

    fn describe_not_me(&self, _caller: Caller, key: LinkKey) -> Answer<NotMe> {
        let engine = self.clone();
        Box::pin(async move { flows::describe_not_me(&engine, &key).await })
    }

    fn report_not_me(&self, caller: Caller, key: LinkKey) -> Answer<AccessToken> {
        self.watched(Watch::on("report_not_me", &caller), |engine| async move {
            flows::report_not_me(&engine, &caller, &key).await
        })
    }

    fn begin_provider(&self, caller: Caller, provider: String, purpose: ProviderFor) -> Answer<String> {
        self.finish(|engine| async move { flows::begin_provider(&engine, &caller, &provider, purpose).await })
    }

    fn finish_provider(&self, caller: Caller, provider: String, answer: ProviderAnswer) -> Answer<ProviderReturn> {
        self.watched(Watch::on("finish_provider", &caller), |engine| async move {
            flows::finish_provider(&engine, &caller, &provider, answer).await
        })
    }

    fn offered_connection(&self, caller: Caller, offer: String) -> Answer<Option<Connection>> {
        let engine = self.clone();
        Box::pin(async move { flows::offered_connection(&engine, &caller, &offer).await })
    }

    fn accept_connection(&self, caller: Caller, offer: String) -> Answer<()> {
        self.watched(Watch::on("accept_connection", &caller), |engine| async move {
            flows::accept_connection(&engine, &caller, &offer).await
        })
    }

    fn connections(&self, caller: Caller) -> Answer<Connections> {
        let engine = self.clone();
        Box::pin(async move { flows::connections(&engine, &caller).await })
    }

    fn disconnect(&self, caller: Caller, provider: String) -> Answer<()> {
        self.watched(Watch::on("disconnect", &caller), |engine| async move {
            flows::disconnect(&engine, &caller, &provider).await
        })
    }

    fn get_all_sessions(&self, caller: Caller) -> Answer<Vec<Session>> {
        let engine = self.clone();
        Box::pin(async move { flows::get_all_sessions(&engine, &caller).await })
    }

    fn sign_out(&self, caller: Caller, handle: Option<String>) -> Answer<()> {
        self.watched(Watch::on("sign_out", &caller), |engine| async move {
            flows::sign_out(&engine, &caller, handle.as_deref()).await
        })
    }

    fn leave(&self, caller: Caller) -> Answer<Option<ProviderFarewell>> {
        self.watched(Watch::on("sign_out", &caller), |engine| async move { flows::leave(&engine, &caller).await })
    }

    fn end_at_provider(&self, caller: Caller, ticket: FarewellTicket, state: String) -> Answer<String> {
        self.watched(Watch::on("end_at_provider", &caller), |engine| async move {
            flows::end_at_provider(&engine, &ticket, &state).await
        })
    }

    fn end_by_provider(&self, caller: Caller, provider: String, token: LogoutToken) -> Answer<EndedByProvider> {
        self.watched(Watch::on("end_by_provider", &caller), |engine| async move {
            flows::end_by_provider(&engine, &caller, &provider, &token).await
        })
    }

    fn sign_out_all(&self, caller: Caller) -> Answer<()> {
        self.watched(
            Watch::on("sign_out_all", &caller),
            |engine| async move { flows::sign_out_all(&engine, &caller).await },
        )
    }

    fn sign_out_all_except_current(&self, caller: Caller) -> Answer<()> {
        self.watched(Watch::on("sign_out_all_except_current", &caller), |engine| async move {
            flows::sign_out_all_except_current(&engine, &caller).await
        })
    }

    fn update_user(&self, caller: Caller, updates: Vec<FieldUpdate>) -> Answer<User> {
        self.finish(|engine| async move { flows::update_user(&engine, &caller, updates).await })
    }

    fn change_picture(&self, caller: Caller, picture: Vec<u8>) -> Answer<User> {
        self.finish(|engine| async move { flows::change_picture(&engine, &caller, picture).await })
    }

    fn remove_picture(&self, caller: Caller) -> Answer<User> {
        self.finish(|engine| async move { flows::remove_picture(&engine, &caller).await })
    }
}

impl Engine {
    /// Runs a verb that writes as a task of its own: it is finished when the caller hangs up, and a panic in it is a failure
    /// of this one operation (SECURITY.md S79).
    pub(super) fn finish<T, F>(&self, verb: impl FnOnce(Self) -> F) -> Answer<T>
    where
        T: Shown + Send + 'static,
        F: Future<Output = Outcome<T>> + Send + 'static,
    {
        let (engine, work) = (self.clone(), verb(self.clone()));
        Box::pin(async move {
            match tokio::spawn(work.in_current_span()).await {
                Ok(outcome) => outcome.map(|answer| answer.shown(&engine.settings().user_fields)),
                Err(broken_off) => Err(Failure::broken(broken_off).into()),
            }
        })
    }
}
