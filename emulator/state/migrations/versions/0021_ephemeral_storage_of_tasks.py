"""ephemeral storage of tasks"""

from alembic import op
import sqlalchemy as sa


revision = '0021'
down_revision = '0020'


def upgrade() -> None:
    with op.batch_alter_table('ecs_task', schema=None) as batch_op:
        batch_op.add_column(sa.Column('ephemeral_storage', sa.Integer(), nullable=True))
