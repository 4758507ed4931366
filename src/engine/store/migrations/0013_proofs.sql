-- When somebody last proved to be the owner of a session's account: signing in was the first proof.

alter table sessions add column proved_at bigint not null default 0;
update sessions set proved_at = started_at;

-- A code goes to a number or to an address.
alter table codes rename column phone to target;
