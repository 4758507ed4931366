-- Telephone numbers, the codes that are sent to them, second factors, and the fields that the operator declares.

alter table users add column phone text;
alter table users add column phone_verified_at bigint;
alter table users add column two_factor bigint not null default 0;
-- A JSON object.
alter table users add column fields text not null default '{}';
create index users_phone on users (phone);

-- Who holds a number: as held_emails.
create table held_phones (
    phone text primary key,
    user_id text not null unique references users (id) on delete cascade,
    held_since bigint not null
);

-- The codes that were sent: at most one of an account for each purpose, so that a new one kills the former.
create table codes (
    user_id text not null references users (id) on delete cascade,
    purpose text not null,
    -- The number it was sent to, which is what it proves.
    phone text not null,
    digest bytea not null,
    -- Guesses that are left.
    guesses bigint not null,
    -- Of a second factor: the sign-in that asked for it.
    challenge_id text,
    created_at bigint not null,
    expires_at bigint not null,
    primary key (user_id, purpose)
);
create index codes_phone on codes (phone, purpose);
create index codes_expires_at on codes (expires_at);

-- Sign-ins whose first factor was right.
create table challenges (
    id text primary key,
    user_id text not null references users (id) on delete cascade,
    token_digest bytea not null unique,
    created_at bigint not null,
    expires_at bigint not null
);
create index challenges_user_id on challenges (user_id);
create index challenges_expires_at on challenges (expires_at);

-- Where a mailed link sends the browser when its application has a redirect URL of its own.
alter table links add column redirect_url text;
