-- Of a link that says "that was not me": since when the account had its mailbox, of one that was added without a second factor.

alter table links add column mailbox_added_at bigint;
