-- The schema of the first release. A release never changes it: add another migration.
--
-- One text for SQLite and PostgreSQL. Times are milliseconds since 1970 (UTC). Ids are 24
-- lower-case hexadecimal digits. What is called a digest or sealed depends on the data keys.

-- Accounts.
create table users (
    id text primary key,
    provider text not null,
    provider_user_id text not null,
    email text,
    email_verified_at bigint,
    -- PHC string. Null: nobody signs in with a password here.
    password_hash text,
    name text,
    profile_picture text,
    -- Digest of the id of the browser that signed up.
    browser_digest bytea,
    signed_up_at bigint not null,
    last_login_at bigint not null,
    updated_at bigint not null,
    phone text,
    phone_verified_at bigint,
    -- 1: codes by SMS are the second factor.
    two_factor bigint not null default 0,
    -- 1: an authenticator app is the second factor.
    authenticator bigint not null default 0,
    -- Time since when the account has had a second factor without a break.
    factor_since bigint,
    -- The fields that the operator declares: a JSON object.
    fields text not null default '{}',
    -- Who signed up, for whoever opens the link: as "Firefox on Linux, 203.0.113.7", and a digest
    -- of the address and the browser's name.
    signed_up_from text,
    signer_digest bytea
);
create index users_email on users (email);
create index users_phone on users (phone);

-- Who holds an email. One row for each account that proved its email, or that signed up while no
-- proof was asked for. A table and not a partial index, because `insert … on conflict do nothing`
-- decides a race without an error.
create table held_emails (
    email text primary key,
    user_id text not null unique references users (id) on delete cascade,
    held_since bigint not null,
    -- 0: it was added to an account that stood, without a second factor that is older than seven
    -- days; for as long a recovery takes it away again. 1: the account began with it, or such a
    -- factor was shown when it was added.
    vouched bigint not null default 1
);

-- Who holds a number: as held_emails.
create table held_phones (
    phone text primary key,
    user_id text not null unique references users (id) on delete cascade,
    held_since bigint not null,
    -- As of an email. 2: a recovery left it to the second factor that was switched on with it; it
    -- is no first one until that sign-in succeeds.
    vouched bigint not null default 1
);

-- Locks of sign-ups: those with one email or number come one after the other. Sixteen rows, so
-- that few others wait too.
create table sign_up_locks (
    id bigint primary key,
    taken bigint not null
);
insert into sign_up_locks (id, taken)
values (0, 0), (1, 0), (2, 0), (3, 0), (4, 0), (5, 0), (6, 0), (7, 0),
    (8, 0), (9, 0), (10, 0), (11, 0), (12, 0), (13, 0), (14, 0), (15, 0);

-- Sessions.
create table sessions (
    id text primary key,
    user_id text not null references users (id) on delete cascade,
    token_digest bytea not null unique,
    started_at bigint not null,
    last_seen_at bigint not null,
    expires_at bigint not null,
    address text,
    user_agent text not null,
    -- When its account was last proved: signing in was the first proof.
    proved_at bigint not null default 0,
    -- Whether a second factor was shown: at the sign-in, or as a proof later.
    factor_shown bigint not null default 0,
    -- The sign-in at a provider, so that it can be ended there too, and from there: who said so,
    -- of whom, in which session of theirs (`sid`), and, sealed, which of our providers it was and
    -- its id_token.
    login_issuer text,
    login_subject text,
    login_sid text,
    login_sealed bytea
);
create index sessions_user_id on sessions (user_id);
create index sessions_expires_at on sessions (expires_at);
create index sessions_login on sessions (login_issuer, login_subject);
create index sessions_login_sid on sessions (login_issuer, login_sid);

-- Links that were sent by email.
create table links (
    id text primary key,
    user_id text not null references users (id) on delete cascade,
    purpose text not null,
    -- The email it was sent to, which is what it proves.
    email text not null,
    key_digest bytea not null unique,
    browser_digest bytea,
    -- 0: whoever follows it did not set the password of the account, so the password dies. 2:
    -- whoever opened it chose the password. 3: they knew it.
    keeps_password bigint not null,
    created_at bigint not null,
    expires_at bigint not null,
    spent_at bigint,
    -- Where the link sends the browser when its application has a redirect URL of its own.
    redirect_url text,
    -- The six digits beside the link, and how many guesses are left. They are typed in the
    -- browser that asked for the email (browser_digest), and die long before the link does. Null:
    -- there are none.
    code_digest bytea,
    code_guesses bigint not null default 0,
    -- What a link that says "that was not me" takes back, besides what each of them does.
    undo text,
    -- Who asked for it, as users.signed_up_from and signer_digest.
    asked_from text,
    asker_digest bytea,
    -- Of a link that says "that was not me": since when the account had its mailbox, of one that
    -- was added without a second factor.
    mailbox_added_at bigint
);
create index links_user_id on links (user_id);
create index links_expires_at on links (expires_at);
create index links_email on links (email);

-- Codes that were sent, one of each asker: a visitor who asks for one does not invalidate the
-- owner's.
create table codes (
    user_id text not null references users (id) on delete cascade,
    purpose text not null,
    -- The number or address it was sent to, which is what it proves.
    target text not null,
    digest bytea not null,
    -- Guesses that are left to the asker, and to all others.
    guesses bigint not null,
    other_guesses bigint not null,
    -- Of a second factor the sign-in that asked for it, of a proof the session.
    challenge_id text,
    asked_by text not null,
    created_at bigint not null,
    expires_at bigint not null,
    primary key (user_id, purpose, asked_by)
);
create index codes_target on codes (target, purpose);
create index codes_expires_at on codes (expires_at);

-- Sign-ins whose first factor was right.
create table challenges (
    id text primary key,
    user_id text not null references users (id) on delete cascade,
    token_digest bytea not null unique,
    created_at bigint not null,
    expires_at bigint not null,
    -- Whether it may be named by its number alone, as the wire does. One of our own pages is
    -- named by its token, so that nobody who only knows the number can use up its guesses.
    by_phone bigint not null default 1,
    -- Guesses that are left at what is not sent: codes of an authenticator app and recovery
    -- codes.
    guesses bigint not null default 5,
    -- Guesses of others than who began it.
    other_guesses bigint not null default 5,
    asked_by text not null default '',
    -- 0: the phone was the first factor and cannot be the second one as well.
    text_counts bigint not null default 1,
    -- The sign-in at a provider, so that it can be ended there too, and from there: who said so,
    -- of whom, in which session of theirs (`sid`), and, sealed, which of our providers it was and
    -- its id_token.
    login_issuer text,
    login_subject text,
    login_sid text,
    login_sealed bytea
);
create index challenges_user_id on challenges (user_id);
create index challenges_expires_at on challenges (expires_at);
create index challenges_login on challenges (login_issuer, login_subject);
create index challenges_login_sid on challenges (login_issuer, login_sid);

-- Keys of authenticator apps: the one that counts, the one that waits for its first code, and the
-- former one.
create table authenticators (
    user_id text not null references users (id) on delete cascade,
    -- 0: it waits. 1: it counts. 2: another one took its place.
    confirmed bigint not null,
    -- Sealed.
    secret bytea not null,
    -- The last step whose code was taken (RFC 6238 §5.2): no earlier one counts, nor that one
    -- again.
    step bigint not null,
    created_at bigint not null,
    primary key (user_id, confirmed)
);

create table recovery_codes (
    user_id text not null references users (id) on delete cascade,
    digest bytea not null,
    primary key (user_id, digest)
);

-- Browsers that somebody signed in with before.
create table devices (
    id text primary key,
    user_id text not null references users (id) on delete cascade,
    digest bytea not null unique,
    user_agent text not null,
    address text,
    last_seen_at bigint not null,
    -- Until when it is not asked for a second factor.
    trusted_until bigint
);
create index devices_user_id on devices (user_id, last_seen_at);

-- Whose identities at a provider they are. Never found by email or name (S25).
create table identities (
    issuer text not null,
    subject text not null,
    user_id text not null references users (id) on delete cascade,
    -- The provider's name in the settings.
    provider text not null,
    -- By which the owner knows it again on the account page: the address, or the name there.
    shown_as text,
    created_at bigint not null,
    last_used_at bigint not null,
    -- As of an email (held_emails).
    vouched bigint not null default 1,
    primary key (issuer, subject)
);
create index identities_user_id on identities (user_id);

-- Journeys to a provider that have not come back yet. One row is one answer.
create table oauth_starts (
    state_digest bytea primary key,
    provider text not null,
    -- The browser that began: its answer is taken from no other.
    browser_digest bytea not null,
    -- Whose account it shall be connected to; null: a sign-in.
    user_id text references users (id) on delete cascade,
    -- Nonce and PKCE verifier, sealed.
    secrets bytea not null,
    -- Where the browser goes in the end.
    redirect_url text,
    expires_at bigint not null
);
create index oauth_starts_expires_at on oauth_starts (expires_at);

-- What a journey that came back is worth: an access token, spent once.
create table oauth_grants (
    token_digest bytea primary key,
    user_id text not null references users (id) on delete cascade,
    browser_digest bytea not null,
    expires_at bigint not null,
    -- The sign-in at a provider, so that it can be ended there too, and from there: who said so,
    -- of whom, in which session of theirs (`sid`), and, sealed, which of our providers it was and
    -- its id_token.
    login_issuer text,
    login_subject text,
    login_sid text,
    login_sealed bytea
);
create index oauth_grants_expires_at on oauth_grants (expires_at);
create index oauth_grants_login on oauth_grants (login_issuer, login_subject);
create index oauth_grants_login_sid on oauth_grants (login_issuer, login_sid);

-- Identities that wait for the account's own proof: somebody holds their email here already.
create table oauth_offers (
    token_digest bytea primary key,
    user_id text not null references users (id) on delete cascade,
    issuer text not null,
    subject text not null,
    provider text not null,
    shown_as text,
    expires_at bigint not null
);
create index oauth_offers_expires_at on oauth_offers (expires_at);
create index oauth_offers_user_id on oauth_offers (user_id);

-- Logouts that a provider told of. One row is one logout token: none is taken twice. A sign-in
-- from before it that is still on its way finds it here.
create table provider_logouts (
    issuer text not null,
    jti text not null,
    subject text,
    sid text,
    issued_at bigint not null,
    expires_at bigint not null,
    primary key (issuer, jti)
);
create index provider_logouts_expires_at on provider_logouts (expires_at);

-- People who signed out here and may want to at the provider too: what it needs to know of them,
-- until they do.
create table provider_farewells (
    ticket_digest bytea primary key,
    user_id text not null references users (id) on delete cascade,
    login_issuer text not null,
    login_subject text not null,
    login_sid text,
    login_sealed bytea not null,
    expires_at bigint not null
);
create index provider_farewells_expires_at on provider_farewells (expires_at);

-- Messages that wait to be sent. Recipient and body are sealed; a sent message is deleted.
create table outbox (
    id text primary key,
    kind text not null,
    recipient_sealed bytea not null,
    body_sealed bytea not null,
    -- Not sent after this time: its link is dead. Null: always worth sending.
    expires_at bigint,
    attempts bigint not null default 0,
    next_attempt_at bigint not null,
    created_at bigint not null,
    last_error text,
    -- Given up.
    dead_at bigint,
    -- 'mail' or 'sms'.
    channel text not null default 'mail',
    -- Not sent before this time. Null: at once.
    not_before bigint,
    -- 1: sent before the others that are due. Owners wait for it, and visitors cannot cause it.
    goes_first bigint not null default 0
);
create index outbox_channel_next_attempt_at on outbox (channel, next_attempt_at);

-- What owners were told in the last hour, and what waits to be told in one message.
create table notifications (
    user_id text not null references users (id) on delete cascade,
    -- 'mail' or 'sms'.
    channel text not null,
    -- A mailbox or a number.
    recipient text not null,
    -- JSON: the messages that went at once within the hour.
    recent text not null default '[]',
    -- JSON: the changes that the waiting digest lists.
    waiting text not null default '[]',
    -- The digest, in the outbox.
    message_id text,
    updated_at bigint not null,
    primary key (user_id, channel, recipient)
);
create index notifications_updated_at on notifications (updated_at);

-- How many SMS were queued on a day, in days since 1970 (UTC).
create table text_days (
    day bigint primary key,
    queued bigint not null,
    -- 1: the log said that the budget of the day is spent.
    told bigint not null default 0
);

-- Written to where an email would be queued if there were somebody to write to. Sixteen rows, so
-- that few wait for each other.
create table decoys (
    id bigint primary key,
    written bigint not null
);
insert into decoys (id, written)
values (0, 0), (1, 0), (2, 0), (3, 0), (4, 0), (5, 0), (6, 0), (7, 0),
    (8, 0), (9, 0), (10, 0), (11, 0), (12, 0), (13, 0), (14, 0), (15, 0);

-- Buckets. The bytes of a file lie in the files folder.
create table buckets (
    id text primary key,
    name text not null unique,
    is_public bigint not null default 1,
    user_id text,
    created_at bigint not null,
    updated_at bigint not null,
    -- A JSON list.
    tags text not null default '[]'
);
create index buckets_user_id on buckets (user_id);
insert into buckets (id, name, is_public, user_id, created_at, updated_at)
values ('000000000000000000000001', 'root', 1, null, 0, 0);

-- Files. Their bytes are named by content_id: another one when they are replaced, so that a row
-- never names bytes that are half of one file and half of another.
create table files (
    id text primary key,
    -- A bucket with files in it cannot be deleted: of an upload and a deletion at once, one
    -- fails.
    bucket_id text not null references buckets (id),
    content_id text not null unique,
    file_name text not null,
    size bigint not null,
    mime_type text not null,
    -- Whether the bytes were encoded by us. No other file is ever public.
    is_picture bigint not null,
    is_public bigint not null,
    -- A JSON list.
    tags text not null default '[]',
    -- Null for files of the operator's program. No reference: a file outlives its owner until its
    -- bytes are removed.
    user_id text,
    uploaded_at bigint not null,
    updated_at bigint not null,
    unique (bucket_id, file_name)
);
create index files_user_id on files (user_id);
-- What all files take together is read at every upload.
create index files_size on files (size);

-- Names of applications. Public: a page that uses one shows it to everybody.
create table client_keys (
    key text primary key,
    label text not null,
    -- One a line; empty means the origins of the public URL and the redirect URLs.
    origins text not null,
    redirect_url text,
    enforce_session bigint not null default 0,
    created_at bigint not null
);

-- Keys of the operator's own programs. Only the digest is kept (S33).
create table api_keys (
    id text primary key,
    label text not null,
    digest bytea not null unique,
    created_at bigint not null,
    expires_at bigint
);

-- Of two first starts at once, the one that writes the row with the id 1 makes the data keys.
create table data_keys (
    id bigint primary key,
    created_at bigint not null
);

-- The data keys, which everything stored is sealed and digested with, sealed themselves with each
-- secret key that is set.
create table key_envelopes (
    -- The public name of the secret key.
    fingerprint text primary key,
    sealed bytea not null,
    created_at bigint not null
);
