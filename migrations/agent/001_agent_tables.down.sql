-- Drops the v4.2 tables with all they hold.
DROP TABLE deployment_config;
DROP TABLE server_env;
DROP TABLE admin;
DROP TABLE agent_task;
DROP TABLE release_artifact;
