-- What recovery takes back, and what a sign-up waits for.

-- Locks of sign-ups: those with one address or number come one after the other. Sixteen rows, so that few others wait too.
create table sign_up_locks (
    id bigint primary key,
    taken bigint not null
);
insert into sign_up_locks (id, taken)
values (0, 0), (1, 0), (2, 0), (3, 0), (4, 0), (5, 0), (6, 0), (7, 0),
    (8, 0), (9, 0), (10, 0), (11, 0), (12, 0), (13, 0), (14, 0), (15, 0);

-- 0: it was added to an account that stood, without a second factor; for seven days a recovery takes it away again. 1: the account
-- began with it, or the second factor was shown when it was added.
alter table held_emails add column vouched bigint not null default 1;
alter table held_phones add column vouched bigint not null default 1;
alter table identities add column vouched bigint not null default 1;
-- Who signed up, for whoever opens the link: as "Firefox on Linux, 203.0.113.7", and a digest of the address and the browser's name.
alter table users add column signed_up_from text;
alter table users add column signer_digest bytea;
-- The same of whoever asked for a link. keeps_password is 2 where whoever opened the link chose the password (flows/prove.rs).
alter table links add column asked_from text;
alter table links add column asker_digest bytea;
update held_phones set vouched = 0 where user_id in (select id from users where email is not null);
update identities set vouched = 0
where not exists (select 1 from users where id = identities.user_id and provider_user_id = identities.subject);
