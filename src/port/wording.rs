//! Every refusal as a sentence: what is wrong, and what to do next. The one file with such
//! sentences.
//!
//! Two are fixed by applications that compare them (altogic-protocol.md §5.1): `EmailNotVerified`
//! and `EmailNotUnique`.

use std::{fmt, time::Duration};

use super::{Code, Field, Problem};

impl fmt::Display for Problem {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(Field::Named(name)) = self.field {
            write!(formatter, "{name}: ")?;
        }
        self.code.fmt(formatter)
    }
}

impl fmt::Display for Code {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sentence = match self {
            Self::MissingEmail => "Type your e-mail address.",
            Self::InvalidEmail => {
                "This is not a complete e-mail address. It looks like name@example.com."
            }
            Self::EmailNotUnique => "A user with the provided email already exists.",
            Self::EmailNotVerified => "The email address has not been verified yet.",
            Self::EmailVerificationDisabled => {
                "E-mail addresses are not confirmed here, so there is nothing to send."
            }
            Self::EmailUnchanged => {
                "This is the address the account has already. Type the new one."
            }
            Self::NothingToCorrect => {
                "This browser has no sign-up that waits for its address. Please sign up again."
            }
            Self::MissingPhone => "Type your phone number.",
            Self::InvalidPhone => {
                "This is not a complete phone number. Begin with a plus and the country, like +49 \
                    1511 2345678."
            }
            Self::PhoneNotUnique => "A user with the provided phone number already exists.",
            Self::PhoneNotVerified => "The phone number has not been verified yet.",
            Self::PhoneAlreadyVerified => "The phone number has been verified already. Sign in.",
            Self::PhoneVerificationDisabled => {
                "Phone numbers are not confirmed here, so there is nothing to send."
            }
            Self::PhoneUnchanged => "This is the number the account has already. Type the new one.",
            Self::CountryNotServed => {
                "No messages can be sent to numbers of that country from here. Use a number of \
                    another country, or an e-mail address."
            }
            Self::PhoneSignUpDisabled => {
                "Accounts with a phone number are not offered here. Use an e-mail address."
            }
            Self::SignInCodesDisabled => {
                "Sign-in codes are not offered here. Sign in with your password."
            }
            Self::MissingOneTimeCode => "Type the code from the message.",
            Self::InvalidOneTimeCode => {
                "The code is wrong or no longer valid. Type it again, or ask for a new one."
            }
            Self::MessagesExhausted => {
                "No more messages can be sent today. Try again tomorrow, or use your e-mail \
                    address."
            }
            Self::SecondFactorRequired => {
                "This account asks for a second factor. A code was sent to its phone; type it to \
                    go on."
            }
            Self::SecondFactorFirst => {
                "This phone is the second factor of the account, so a code to it is not enough. \
                    Use your password, or a link by mail."
            }
            Self::ChallengeGone => "This sign-in has taken too long. Sign in again.",
            Self::SecondFactorIsOn => {
                "Codes of the second factor go to the number of this account. Switch the second \
                    factor off first, or change the number with your password."
            }
            Self::SecondFactorElsewhere => {
                "This account asks for a code of its authenticator app, which cannot be typed \
                    here. Sign in at the account pages."
            }
            Self::SecondFactorIsOff => "There is no second factor yet. Switch one on first.",
            Self::AuthenticatorGone => {
                "The key that was shown is no longer good. Begin again with a new one."
            }
            Self::ProviderUnknown => "Signing in with that provider is not offered here.",
            Self::ProviderUnreachable => {
                "The provider does not answer right now. Try again in a moment, or use another way \
                    to sign in."
            }
            Self::ProviderAnswerInvalid => {
                "The provider's answer could not be checked, so it was not taken. Try again, or \
                    use another way to sign in."
            }
            Self::ProviderCancelled => "The sign-in was cancelled at the provider.",
            Self::ProviderJourneyGone => {
                "This sign-in took too long, was finished already, or began in another browser. \
                    Begin again."
            }
            Self::IdentityNotUnique => {
                "That account is connected to another account here. Sign in to that one and \
                    disconnect it first."
            }
            Self::LastWayIn => {
                "This is the only way to sign in to your account. Set a password or confirm an \
                    e-mail address first."
            }
            Self::NotOffered => "This is not offered here.",
            Self::SecondFactorNeedsPhone => {
                "Set and verify a phone number first; the codes are sent to it."
            }
            Self::MissingPassword => "Type your password.",
            Self::PasswordTooShort { min } => {
                return write!(
                    formatter,
                    "The password is too short. Use at least {min} characters; a few words in a \
                        row are good."
                );
            }
            Self::PasswordTooLong => "The password is too long. Use at most 1,024 bytes.",
            Self::PasswordTooCommon => {
                "This password is on the lists that attackers try first. Choose another one."
            }
            Self::PasswordTooPersonal => {
                "This password is too close to your name, address or phone number, or to our name. \
                    Choose one that others cannot guess."
            }
            Self::PasswordUnchanged => "This is the password you have already. Choose a new one.",
            Self::InvalidSignInCredentials => "The e-mail address or the password is not right.",
            Self::InvalidPhoneCredentials => "The phone number or the password is not right.",
            Self::InvalidCredentials => "The current password is not right.",
            Self::ProofNeeded => "Confirm first that it is you: you signed in a while ago.",
            Self::ProofCodeNotOffered => {
                "No code can be sent for this account. Type your password."
            }
            Self::NameTooLong => "The name is too long. Use at most 100 characters.",
            Self::InvalidName => {
                "The name has characters that cannot be shown. Type it again with letters."
            }
            Self::MissingSessionToken => "Sign in first.",
            Self::InvalidSessionToken => "The session has ended. Sign in again.",
            Self::SessionNotFound => "There is no such session any more.",
            Self::MissingAccessToken => {
                "There is no access token: the link is used or too old, or was not copied whole. \
                    Ask for a new one."
            }
            Self::InvalidAccessToken => "Invalid or expired access token",
            Self::InvalidTokenType => {
                "This link was made for something else. Open the right one, or ask for a new one."
            }
            Self::InvalidActionType => {
                "This link is not one of ours. Open the link in the mail again."
            }
            Self::FieldNotWritable => "This field cannot be changed here.",
            Self::UnknownField => {
                "There is no such field. The fields of a user are declared in the settings."
            }
            Self::InvalidFieldValue => "This field does not take such a value.",
            Self::FieldRequired => "A field that every account must have is missing.",
            Self::ObjectTooLarge => {
                "The fields of the account are too large together. Shorten some of them."
            }
            Self::ObjectNotFound => "There is no such object, or it is not yours.",
            Self::BucketNotFound => {
                "There is no such bucket. Create it first, or upload with createBucket."
            }
            Self::BucketNotUnique => "There is a bucket of that name already. Choose another name.",
            Self::BucketNotYours => {
                "This bucket is not yours, or holds files of other people; it cannot be changed."
            }
            Self::FileNotFound => "There is no such file, or it is not yours.",
            Self::FileNotPublishable => {
                "Only pictures can be public. Store this file in a private bucket."
            }
            Self::InvalidExpression => {
                "This search expression cannot be read. Write it like fileName == 'a.png' && size \
                    < 1000."
            }
            Self::InvalidBucketName => {
                "A name has 1 to 255 characters, none of them a slash, and nothing that cannot be \
                    seen."
            }
            Self::InvalidTags => {
                "There can be 50 tags at most, each a text of 1 to 100 characters."
            }
            Self::TooManyBuckets => "There is no room for more buckets. Delete one first.",
            Self::MissingPicture => "Choose a picture first.",
            Self::PictureTooLarge => "The file is too large. Choose a picture of at most 8 MB.",
            Self::PictureTooWide => {
                "The picture has too many pixels. Choose one of at most 40 megapixels, and 8,000 \
                    pixels on its longer side."
            }
            Self::NotAPicture => {
                "This file is not a picture we can read. Choose a JPEG, PNG, WebP or GIF."
            }
            Self::StorageFull => "There is no room for more files. Delete some first.",
            Self::SeveralEmails { retry_after } => {
                return write!(
                    formatter,
                    "Several emails were asked for with this address. Use the newest one, or wait \
                        {} and try again.",
                    in_words(*retry_after)
                );
            }
            Self::EmailIsBusy { retry_after } => {
                return write!(
                    formatter,
                    "We have a lot of email to send just now. Wait {} and try again.",
                    in_words(*retry_after)
                );
            }
            Self::SeveralMessages { retry_after } => {
                return write!(
                    formatter,
                    "Several messages were asked for with this number. Use the newest one, or wait \
                        {} and try again.",
                    in_words(*retry_after)
                );
            }
            Self::RateLimitExceeded { retry_after } => {
                return write!(
                    formatter,
                    "That was tried too often. Wait {} and try again.",
                    in_words(*retry_after)
                );
            }
        };
        formatter.write_str(sentence)
    }
}

/// A wait as a person says it, rounded up: "40 seconds", "3 minutes", "2 hours".
fn in_words(wait: Duration) -> String {
    let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
    let (number, unit) = match seconds.max(1) {
        seconds @ ..60 => (seconds, "second"),
        seconds @ ..3600 => (seconds.div_ceil(60), "minute"),
        seconds => (seconds.div_ceil(3600), "hour"),
    };
    format!("{number} {unit}{}", if number == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_is_told_in_words() {
        for (wait, words) in [
            (0, "1 second"),
            (59, "59 seconds"),
            (61, "2 minutes"),
            (3600, "1 hour"),
            (7300, "3 hours"),
        ] {
            assert_eq!(in_words(Duration::from_secs(wait)), words);
        }
    }

    #[test]
    fn the_sentences_that_applications_compare_stay_as_they_are() {
        assert_eq!(
            Code::EmailNotVerified.to_string(),
            "The email address has not been verified yet."
        );
        assert_eq!(
            Code::EmailNotUnique.to_string(),
            "A user with the provided email already exists."
        );
        assert_eq!(Code::InvalidAccessToken.to_string(), "Invalid or expired access token");
    }
}
