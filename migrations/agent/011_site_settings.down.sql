DROP TABLE site_use;
DROP TABLE site_setting;
DROP TABLE site_revision;
