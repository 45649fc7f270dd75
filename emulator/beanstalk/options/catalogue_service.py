"""Options of Elastic Beanstalk itself: application, deployments, health, logs, platforms (reference: beanstalk.md §6.2)."""

from functools import partial

from emulator.beanstalk.options.model import Option, Severity, Trait, ValueType

_DAYS = ("1", "3", "5", "7", "14", "30", "60", "90", "120", "150", "180", "365", "400", "545", "731", "1827", "3653")
_RESTART = Severity.RESTART
_SPACE = "aws:elasticbeanstalk:"
_command = partial(Option, f"{_SPACE}command")
_environment = partial(Option, f"{_SPACE}environment")
_sqsd = partial(Option, f"{_SPACE}sqsd", traits=frozenset({Trait.WORKER}), severity=_RESTART)
_sns = partial(Option, f"{_SPACE}sns:topics")
_rds = partial(Option, "aws:rds:dbinstance")
_parameter = partial(Option, "aws:cloudformation:template:parameter")
_health = partial(Option, f"{_SPACE}healthreporting:system")
_php = partial(Option, f"{_SPACE}container:php:phpini", traits=frozenset({Trait.PHP}), severity=_RESTART)
_tomcat = partial(Option, f"{_SPACE}container:tomcat:jvmoptions", traits=frozenset({Trait.TOMCAT}), severity=_RESTART)
_python = partial(Option, f"{_SPACE}container:python", traits=frozenset({Trait.PYTHON}), severity=_RESTART)
_PROXIED = frozenset({Trait.PYTHON, Trait.NODE, Trait.PHP, Trait.TOMCAT, Trait.JAVA, Trait.GO, Trait.RUBY})

OPTIONS: tuple[Option, ...] = (
    Option(f"{_SPACE}application", "Application Healthcheck URL"),
    Option(f"{_SPACE}application:environment", "*", severity=_RESTART),
    Option(f"{_SPACE}application:environmentsecrets", "*", severity=_RESTART),
    Option(f"{_SPACE}cloudwatch:logs", "DeleteOnTerminate", "false", kind=ValueType.BOOLEAN, severity=_RESTART),
    Option(f"{_SPACE}cloudwatch:logs", "RetentionInDays", "7", values=_DAYS, severity=_RESTART),
    Option(f"{_SPACE}cloudwatch:logs", "StreamLogs", "false", kind=ValueType.BOOLEAN, severity=_RESTART),
    Option(f"{_SPACE}cloudwatch:logs:health", "DeleteOnTerminate", "false", kind=ValueType.BOOLEAN),
    Option(f"{_SPACE}cloudwatch:logs:health", "HealthStreamingEnabled", "false", kind=ValueType.BOOLEAN),
    Option(f"{_SPACE}cloudwatch:logs:health", "RetentionInDays", "7", values=_DAYS),
    _command("BatchSize", "100", minimum=1, maximum=10000),
    _command("BatchSizeType", "Percentage", values=("Percentage", "Fixed")),
    _command(
        "DeploymentPolicy",
        "AllAtOnce",
        values=("AllAtOnce", "Rolling", "RollingWithAdditionalBatch", "Immutable", "TrafficSplitting"),
    ),
    _command("IgnoreHealthCheck", "false", kind=ValueType.BOOLEAN),
    _command("Timeout", "600", minimum=1, maximum=3600),
    Option(f"{_SPACE}control", "DefaultSSHPort", "22"),
    Option(f"{_SPACE}control", "LaunchTimeout", "0"),
    Option(f"{_SPACE}control", "LaunchType", "Migration"),
    Option(f"{_SPACE}control", "RollbackLaunchOnFailure", "false", kind=ValueType.BOOLEAN),
    _environment("EnvironmentType", "LoadBalanced", values=("SingleInstance", "LoadBalanced")),
    _environment("ExternalExtensionsS3Bucket"),
    _environment("ExternalExtensionsS3Key"),
    _environment(
        "LoadBalancerIsShared", "false", kind=ValueType.BOOLEAN, traits=frozenset({Trait.BALANCED, Trait.WEB})
    ),
    _environment(
        "LoadBalancerType",
        "classic",
        values=("classic", "application", "network"),
        traits=frozenset({Trait.BALANCED, Trait.WEB}),
    ),
    _environment("ServiceRole"),
    Option(
        f"{_SPACE}environment:proxy",
        "ProxyServer",
        "nginx",
        values=("nginx", "apache"),
        severity=_RESTART,
        traits=_PROXIED,
    ),
    Option(
        f"{_SPACE}environment:proxy",
        "ProxyServer",
        "nginx",
        values=("nginx", "none"),
        severity=_RESTART,
        traits=frozenset({Trait.DOCKER, Trait.NET}),
    ),
    Option(f"{_SPACE}environment:proxy:staticfiles", "*", severity=_RESTART, traits=_PROXIED),
    _health("ConfigDocument", kind=ValueType.JSON),
    _health("EnhancedHealthAuthEnabled", "true", kind=ValueType.BOOLEAN),
    _health("HealthCheckSuccessThreshold", "Ok", values=("Ok", "Warning", "Degraded", "Severe")),
    # the platforms of Amazon Linux 2 and 2023 always report enhanced health (reference: §5.2); the API's own default is basic
    _health("SystemType", "enhanced", values=("basic", "enhanced")),
    Option(f"{_SPACE}hostmanager", "LogPublicationControl", "false", kind=ValueType.BOOLEAN),
    Option(f"{_SPACE}managedactions", "ManagedActionsEnabled", "false", kind=ValueType.BOOLEAN),
    Option(f"{_SPACE}managedactions", "PreferredStartTime"),
    Option(f"{_SPACE}managedactions", "ServiceRoleForManagedUpdates"),
    Option(f"{_SPACE}managedactions:platformupdate", "InstanceRefreshEnabled", "false", kind=ValueType.BOOLEAN),
    Option(f"{_SPACE}managedactions:platformupdate", "UpdateLevel", values=("patch", "minor")),
    Option(f"{_SPACE}monitoring", "Automatically Terminate Unhealthy Instances", "true", kind=ValueType.BOOLEAN),
    _sns("Notification Endpoint"),
    _sns("Notification Protocol", "email", values=("http", "https", "email", "email-json", "sqs")),
    _sns("Notification Topic ARN"),
    _sns("Notification Topic Name"),
    _sqsd("ConnectTimeout", "5", minimum=1, maximum=60),
    _sqsd("ErrorVisibilityTimeout", "2", minimum=0, maximum=43200),
    _sqsd("HttpConnections", "50", minimum=1, maximum=100),
    _sqsd("HttpPath", "/"),
    _sqsd("InactivityTimeout", "299", minimum=1, maximum=36000),
    _sqsd("MaxRetries", "10", minimum=1, maximum=100),
    _sqsd("MimeType", "application/json"),
    _sqsd("RetentionPeriod", "345600", minimum=60, maximum=1209600),
    _sqsd("VisibilityTimeout", "300", minimum=0, maximum=43200),
    _sqsd("WorkerQueueURL"),
    Option(f"{_SPACE}trafficsplitting", "EvaluationTime", "5", minimum=3, maximum=600),
    Option(f"{_SPACE}trafficsplitting", "NewVersionPercent", "10", minimum=1, maximum=100),
    Option(f"{_SPACE}xray", "XRayEnabled", "false", kind=ValueType.BOOLEAN, severity=_RESTART),
    _python("NumProcesses", "1", minimum=1),
    _python("NumThreads", "15", minimum=1),
    _python("WSGIPath", "application"),
    _php("allow_url_fopen", "On", values=("On", "Off")),
    _php("composer_options"),
    _php("display_errors", "Off", values=("On", "Off")),
    _php("document_root", "/"),
    _php("max_execution_time", "60"),
    _php("memory_limit", "256M"),
    _php("zlib.output_compression", "Off", values=("On", "Off")),
    _tomcat("JVM Options"),
    _tomcat("Xms", "256m"),
    _tomcat("Xmx", "256m"),
    _parameter("AppSource"),
    _parameter("EnvironmentVariables"),
    _parameter("HooksPkgUrl"),
    _parameter("InstancePort", "80"),
    _parameter("InstanceTypeFamily"),
    _parameter("ServerPort"),
    _parameter("StaticFiles"),
    _rds("DBAllocatedStorage", "5", minimum=5, maximum=1024),
    _rds("DBDeletionPolicy", "Delete", values=("Delete", "Retain", "Snapshot")),
    _rds("DBEngine", "mysql"),
    _rds("DBEngineVersion"),
    _rds("DBInstanceClass", "db.t2.micro"),
    _rds("DBPassword"),
    _rds("DBSnapshotIdentifier"),
    _rds("DBUser", "ebroot"),
    _rds("HasCoupledDatabase", "false", kind=ValueType.BOOLEAN),
    _rds("MultiAZDatabase", "false", kind=ValueType.BOOLEAN),
)
