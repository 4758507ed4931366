-- Texts (SMS) wait in the outbox beside the mail, and are counted by the day.

-- 'mail' or 'sms'.
alter table outbox add column channel text not null default 'mail';
drop index outbox_next_attempt_at;
create index outbox_channel_next_attempt_at on outbox (channel, next_attempt_at);

-- How many texts were queued on a day, in days since 1970 (UTC).
create table text_days (
    day bigint primary key,
    queued bigint not null,
    -- 1: the log said that the budget of the day is spent.
    told bigint not null default 0
);
