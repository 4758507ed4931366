-- What recovery takes back, and what a sign-up waits for.

-- Locks of sign-ups: those with one address or number come one after the other. Sixteen rows, so that few others wait too.
create table sign_up_locks (
    id bigint primary key,
    taken bigint not null
);
insert into sign_up_locks (id, taken)
values (0, 0), (1, 0), (2, 0), (3, 0), (4, 0), (5, 0), (6, 0), (7, 0),
    (8, 0), (9, 0), (10, 0), (11, 0), (12, 0), (13, 0), (14, 0), (15, 0);

-- 0: it was added to an account that stood, without a second factor that is older than seven days; for as long a recovery takes it
-- away again. 1: the account began with it, or such a factor was shown when it was added. Of a number 2: a recovery left it to the
-- second factor that was switched on with it; it is no first one until that sign-in succeeds.
alter table held_emails add column vouched bigint not null default 1;
alter table held_phones add column vouched bigint not null default 1;
alter table identities add column vouched bigint not null default 1;
-- Time since when the account has had a second factor without a break.
alter table users add column factor_since bigint;
update users set factor_since = 0 where two_factor = 1 or authenticator = 1;
-- Who signed up, for whoever opens the link: as "Firefox on Linux, 203.0.113.7", and a digest of the address and the browser's name.
alter table users add column signed_up_from text;
alter table users add column signer_digest bytea;
-- The same of whoever asked for a link. keeps_password is 2 where whoever opened the link chose the password, 3 where they
-- knew it (flows/prove.rs).
alter table links add column asked_from text;
alter table links add column asker_digest bytea;
update held_phones set vouched = 0 where user_id in (select id from users where email is not null);
update identities set vouched = 0
where not exists (select 1 from users where id = identities.user_id and provider_user_id = identities.subject);
