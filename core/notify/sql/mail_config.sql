{mail_config}
